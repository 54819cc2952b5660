"""Which files are a run's log, their text, and what lies beside them."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from pathlib import Path

from stages.errors import UsageError

MOST_BYTES = 1 << 29  # of a file; a log of a million lines has a fifth of it
LOGS = ("curve.jsonl", "trainer_state.json", "trainer_log.jsonl", "logging.jsonl", "metrics.csv")
_STEP_OF = re.compile(r"(?:checkpoint|ckpt|step|iter|global_step)[-_=]?0*(\d+)(?:\.\w+)?")


@dataclass(frozen=True)
class Found:
    """The files of one log: one, or all event files of a run."""

    files: tuple[Path, ...]

    @property
    def first(self) -> Path:
        """The file that the log is called after."""
        return self.files[0]


def log_files(path: Path) -> Found:
    """The file itself, or what a folder of ours or of another trainer holds.

    UsageError where there is none, or several of which none is the run's."""
    if path.is_file():
        return Found((path,))
    if not path.is_dir():
        wrong = "is no ordinary file" if path.exists() else "does not exist"
        raise UsageError(f"{path} {wrong}: name an adapter folder or a training log")
    for name in LOGS:
        if (path / name).is_file():
            return Found((path / name,))
    numbered = {
        int(match[1]): folder / "trainer_state.json"
        for folder in path.iterdir()
        if (match := re.fullmatch(r"checkpoint-(\d+)", folder.name))
        and (folder / "trainer_state.json").is_file()
    }
    if numbered:  # the last checkpoint holds the longest history
        return Found((numbered[max(numbered)],))
    if events := tuple(sorted(file for file in path.rglob("*tfevents*") if file.is_file())):
        return Found(events)
    below = sorted(file for name in LOGS for file in path.glob(f"*/{name}"))
    if len(below) > 1 and all(re.fullmatch(r"version_\d+", file.parent.name) for file in below):
        below = [max(below, key=lambda file: int(file.parent.name.removeprefix("version_")))]
    if len(below) > 1:
        raise UsageError(
            f"{path} holds logs of several runs: name one of them: "
            + ", ".join(str(file.relative_to(path)) for file in below[:8])
        )
    if below:
        return Found((below[0],))
    raise UsageError(
        f"{path} holds no training log: looked for {', '.join(LOGS)}, "
        "checkpoint-N/trainer_state.json and TensorBoard events; name the log's file itself"
    )


def is_events(path: Path, head: bytes) -> bool:
    """Whether a file holds TensorBoard events: by its name, or its first record."""
    return "tfevents" in path.name or b"brain.Event:" in head[:64]


def content(path: Path) -> bytes:
    """A file's bytes; UsageError for one that is too large for a log."""
    if (size := path.stat().st_size) > MOST_BYTES:
        raise UsageError(
            f"{path} has {size:,} bytes, more than the {MOST_BYTES:,} of a log that is read: "
            "leave out what is no line of losses"
        )
    return path.read_bytes()


def text_of(data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 or UTF-32 as PowerShell and Excel write it; without its mark."""
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        (codecs.BOM_UTF8, "utf-8-sig"),
    ):
        if data.startswith(mark):
            return data.decode(name, "replace")
    head = data[:1024]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) >= 8 and zeros.count(0) > 0.8 * len(zeros):
            return data.decode(name, "replace")
    return data.decode("utf-8", "replace")


def title_of(found: Path) -> str:
    """What the run is called: never where it lies, which would change the picture's bytes."""
    facts = _facts(found.parent / "summary.json")
    if found.name != "curve.jsonl" or not facts:
        return found.name
    return f"{facts.get('method')} on {facts.get('base')}"


def checkpoints_of(found: Path) -> tuple[int, ...]:
    """The steps that are saved beside a log, by the names of folders and files."""
    home = found.parent
    if re.fullmatch(r"checkpoint-\d+", home.name):
        home = home.parent
    steps: set[int] = set()
    for folder in (home, home / "checkpoints"):
        if not folder.is_dir():
            continue
        names = [one.name for one in folder.iterdir()]
        if folder == home:
            names = [one for one in names if one.startswith(("checkpoint", "ckpt"))]
        steps |= {int(match[1]) for one in names if (match := _STEP_OF.fullmatch(one))}
    return tuple(sorted(steps))


def vocabulary_of(found: Path) -> int | None:
    """Entries of the model's vocabulary, by a config.json beside the log or one folder above."""
    for folder in (found.parent, found.parent.parent):
        size = _facts(folder / "config.json").get("vocab_size")
        if isinstance(size, int) and not isinstance(size, bool) and size > 1:
            return size
    return None


def _facts(path: Path) -> dict[str, object]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
