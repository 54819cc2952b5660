"""Logs of trainings that `diagnose` reads: damaged by seed, numbers without end, odd bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial

from tests.attack.texts import changed
from tests.attack.trial import Trial, World
from tests.cases.diagnose import curve, own_lines
from tests.curves.test_read import event_file

_VAL = {0: 2.0, 40: 1.7, 80: 1.6, 120: 1.6}
_LINES = "".join(json.dumps(line) + "\n" for line in own_lines(curve(), 40, _VAL))
WHOLE = {
    "curve.jsonl": _LINES.encode(),
    "trainer_state.json": json.dumps(
        {"log_history": [{"step": n, "loss": 3 / (n + 1), "epoch": n / 20} for n in range(1, 60)]}
    ).encode(),
    "log.csv": b"step,loss,val_loss\n"
    + b"".join(b"%d,%f,2.5\n" % (n, 3 / n) for n in range(1, 60)),
    "train.log": b"".join(
        b"2026-01-01 {'loss': %.3f, 'epoch': %.2f, 'step': %d}\n" % (3 / n, n / 20, n)
        for n in range(1, 60)
    ),
}
_ROW = '{"step": 1, "loss": %s}\n'
ODD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "infinite": ("log.jsonl", lambda: (_ROW % "1e999" * 30).encode()),
    "far losses": ("log.jsonl", lambda: b"".join(
        b'{"step": %d, "loss": %s}\n' % (n, (b"1e308", b"-1e308", b"5e-324")[n % 3])
        for n in range(60))),
    "not a number": ("log.jsonl", lambda: (_ROW % "NaN" * 30).encode()),
    "far step": ("log.jsonl", lambda: b"".join(
        b'{"step": %d, "loss": 2.5}\n' % 10**n for n in range(40))),
    "far epoch": ("log.jsonl", lambda: b"".join(
        b'{"step": %d, "loss": 2.5, "epoch": 1e%d}\n' % (n, n * 9) for n in range(40))),
    "digits": ("log.jsonl", lambda: b'{"step": ' + b"9" * 100_000 + b', "loss": 1}\n'),
    "depth": ("log.json", lambda: b"[" * 200_000),
    "depth in a line": ("train.log", lambda: b"{'loss': " + b"[" * 200_000 + b"\n"),
    "many lines": ("log.csv", lambda: b"step,loss\n" + b"".join(
        b"%d,2.5\n" % n for n in range(200_000))),
    "long line": ("train.log", lambda: b"loss: " * 2_000_000),
    "bars": ("train.log", lambda: b"  1%|#    | 1/99 [00:01<00:99, 1.0it/s]\r" * 100_000),
    "escapes": ("train.log", lambda: b"\x1b[2J{'loss': 2.5, 'step': 1}\r\x9b\x1b]0;x\x07\n" * 30),
    "code": ("train.log", lambda: b"{'loss': __import__('os').system('touch owned')}\n" * 30),
    "columns": ("log.csv", lambda: b",".join(b"loss%d" % n for n in range(50_000)) + b"\n1\n"),
    "columns of escapes": ("log.csv", lambda: b"step,loss,\x1b[2J\n1,2,3\n2,2,3\n" * 9),
    "utf-16": ("log.csv", lambda: "step,loss\n1,2\n".encode("utf-16")),
    "binary": ("events.out.tfevents.1", lambda: bytes(range(256)) * 99),
    "length": ("events.out.tfevents.1", lambda: b"\xff" * 7 + b"\x7f" + b"\0" * 99),
    "negative": ("log.csv", lambda: b"step,loss\n-1,-5\n0,0\n-9,1e-320\n" * 9),
    "one step": ("log.jsonl", lambda: (_ROW % "2.5" * 5000).encode()),
    "nothing": ("log.jsonl", lambda: b""),
    "nul": ("train.log", lambda: b"\0" * 100_000),
    "page": ("log.jsonl", lambda: b'{"step": 1, "loss": "</script><script>alert(1)</script>"}\n'),
}  # fmt: skip


def _log(name: str, file: str, make: Callable[[], bytes]) -> Trial:
    def attack(world: World) -> None:
        world.write(f"in/{file}", make())
        world.call("diagnose", f"in/{file}", "-o", "out")
        world.hold(not (world.folder / "owned").exists(), "code of a log was run")

    return Trial(name, attack)


def _events(draw: random.Random) -> Trial:
    seed = draw.randrange(1 << 30)

    def attack(world: World) -> None:
        path = event_file(world.path("in/events.out.tfevents.1"),
                          [(n, "loss", 3 / n) for n in range(1, 50)])  # fmt: skip
        path.write_bytes(changed(path.read_bytes(), random.Random(seed)))
        world.call("diagnose", "in", "-o", "out")

    return Trial(f"events {seed}", attack)


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Odd logs and damaged ones."""
    draw = random.Random(f"logs {seed}")
    for name, (file, make) in ODD.items():
        if not fast or name in ("infinite", "escapes"):
            yield _log(name, file, make)
    for file, whole in WHOLE.items():
        for number in range(0 if fast else 5):
            yield _log(f"damaged {file} {number}", file, partial(bytes, changed(whole, draw)))
    for _ in range(0 if fast else 4):
        yield _events(draw)
