"""The killable child: what kills it twice is the document's fault, and nothing else is.

Its documents are orders: the stage does to its process what the bytes say.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import stages
from stages import child, user_code
from stages.base import DocumentSource, Fault, Item, Part
from stages.errors import StageFailed
from stages.place import Place

STAGE = """
import os, signal, sys, time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from stages.base import ISOLATION_REASONS, DocumentSource, Fault, Item
from stages.place import Place

@dataclass(frozen=True)
class Obedient(DocumentSource):
    name = "obedient"
    reasons = {**ISOLATION_REASONS, "asked": "it was asked to refuse"}

    def parts(self, path, size):
        return []

    def items(self, part):
        for number, order in enumerate(part.detail["orders"]):
            if order == "abort the archive":
                os.abort()
            yield Place(str(number)), order.encode()

    def extract(self, place, raw):
        order, _, rest = raw.decode().partition(" ")
        if order == "refuse":
            return Fault(place, "asked", {"why": rest}, raw=raw)
        if order == "crash":
            os.abort()
        if order == "exit":
            os._exit(3)
        if order == "raise":
            raise ValueError(rest)
        if order == "spin":
            while True:
                pass
        if order == "burn":
            end = time.process_time() + float(rest)
            while time.process_time() < end:
                pass
        if order == "count":  # how often it was asked for this, in a file; then it spins
            Path(rest).write_text((Path(rest).read_text() if os.path.exists(rest) else "") + "x")
            while True:
                pass
        if order == "eat":
            held = [bytearray(1 << 20) for _ in range(int(rest))]
        if order == "hoard":
            globals().setdefault("HELD", []).append(bytearray(int(rest) << 20))
        if order == "print":
            print("noise on standard output", flush=True)
            os.write(1, b"and noise below it")
        if order == "library":
            raise ImportError("no such library")
        if order == "killed":  # so many times, counted in a file, as from outside
            path, times = rest.rsplit(" ", 1)
            before = len(Path(path).read_text()) if os.path.exists(path) else 0
            if before < int(times):
                Path(path).write_text("x" * (before + 1))
                os.kill(os.getpid(), signal.SIGKILL)
        if order == "mixed":  # killed, then crashes once, then is read
            before = len(Path(rest).read_text()) if os.path.exists(rest) else 0
            Path(rest).write_text("x" * (before + 1))
            if before == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            if before == 1:
                os.abort()
        return Item(place, raw, [{"text": order, "meta": str(os.getpid())}])
"""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[DocumentSource]]:
    """A source in a module that only this process finds by itself."""
    (tmp_path / "seedbed_obedient.py").write_text(STAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield stages.stage("seedbed_obedient:Obedient")
    child.end_waiting()
    sys.modules.pop("seedbed_obedient", None)


def _read(stage: DocumentSource, *orders: str) -> list[Item | Fault]:
    """What came of each order, in their order."""
    part = Part("", (), detail={"orders": list(orders)})
    found: dict[int, Item | Fault] = {}
    for split in stage.splits(part, "s", True):
        for row in split.kept.to_pylist():
            found[int(row["place"])] = Item(Place(row["place"]), b"", [row])
        for row in split.rejects.to_pylist():
            evidence = json.loads(row["evidence"])
            fault = Fault(Place(row["place"]), row["reason"], evidence, "", row["failed"])
            found[int(row["place"] or len(orders))] = fault
    return [found[number] for number in sorted(found)]


def _fault(item: Item | Fault) -> Fault:
    assert isinstance(item, Fault), item
    return item


def _pid(item: Item | Fault) -> int:
    assert isinstance(item, Item), item
    return int(item.records[0]["meta"])


def test_documents_are_read_in_one_process_that_waits_for_more(
    stage: type[DocumentSource],
) -> None:
    found = _read(stage(), "one", "refuse me", "print", "two")
    assert [type(item).__name__ for item in found] == ["Item", "Fault", "Item", "Item"]
    refused = _fault(found[1])
    assert (refused.reason, refused.evidence, refused.failed) == ("asked", {"why": "me"}, True)
    assert refused.place == Place("1")
    (later,) = _read(stage(), "three")
    assert len({_pid(item) for item in (found[0], found[2], found[3], later)}) == 1
    assert _pid(found[0]) != os.getpid()
    (other,) = _read(stage(deadline=5.0), "four")
    assert _pid(other) != _pid(later), "another stage has another child"
    with pytest.raises(ProcessLookupError):
        os.kill(_pid(later), 0)


@pytest.mark.parametrize(("order", "status"), [("crash", -signal.SIGABRT), ("exit now", 3)])
def test_a_document_that_kills_its_reader_twice_is_at_fault(
    stage: type[DocumentSource], order: str, status: int
) -> None:
    before, at_fault, after = _read(stage(), "one", order, "two")
    fault = _fault(at_fault)
    assert fault.reason == "crash" and fault.evidence == {"exit_status": status}
    assert isinstance(before, Item) and isinstance(after, Item)


def test_an_archive_that_kills_its_reader_twice_ends_there(stage: type[DocumentSource]) -> None:
    one, two, end = _read(stage(), "one", "refuse me", "abort the archive", "lost")
    assert isinstance(one, Item) and _fault(two).reason == "asked"
    assert _fault(end).evidence == {"exit_status": -6, "items_before": 2}


def test_many_that_kill_their_reader_cost_no_neighbour(stage: type[DocumentSource]) -> None:
    found = _read(stage(), *["good", "exit now"] * 5, "same", "same")
    assert [isinstance(item, Item) for item in found] == [True, False] * 5 + [True, True]
    ids = {item.records[0]["id"] for item in found if isinstance(item, Item)}
    assert len(ids) == 7, "equal documents have ordinals through all the deaths"


def test_an_exception_is_the_documents_crash(stage: type[DocumentSource]) -> None:
    one, two = _read(stage(), "raise an error", "next")
    assert _fault(one).evidence == {"error": "ValueError: an error"}
    assert isinstance(two, Item)


def test_too_long_is_measured_in_cpu_seconds(stage: type[DocumentSource]) -> None:
    one, two = _read(stage(deadline=1.0), "spin", "next")
    assert _fault(one).reason == "deadline" and _fault(one).evidence == {"cpu_seconds": 1.0}
    assert isinstance(two, Item)


def test_each_document_has_the_whole_deadline(stage: type[DocumentSource]) -> None:
    found = _read(stage(deadline=1.0), *["burn 0.6"] * 3)
    assert [isinstance(item, Item) for item in found] == [True] * 3


def test_what_let_the_deadline_pass_is_not_tried_again(
    stage: type[DocumentSource], tmp_path: Path
) -> None:
    one, two = _read(stage(deadline=0.5), f"count {tmp_path / 'times'}", "next")
    assert _fault(one).reason == "deadline" and isinstance(two, Item)
    assert (tmp_path / "times").read_text() == "x"


def test_too_much_memory_is_a_fault_and_the_child_goes_on(stage: type[DocumentSource]) -> None:
    one, two = _read(stage(memory=1024), "eat 4096", "eat 10")
    assert _fault(one).reason == "memory" and _fault(one).evidence == {"limit_mb": 1024}
    assert isinstance(two, Item)


def test_what_earlier_documents_hold_is_not_booked_on_a_later_one(
    stage: type[DocumentSource],
) -> None:
    """A verdict must not depend on what was read before: out of memory is asked once more."""
    first, second, third = _read(stage(memory=1024), "hoard 300", "hoard 300", "eat 600")
    assert isinstance(first, Item) and isinstance(second, Item)
    assert isinstance(third, Item) and _pid(third) != _pid(first)


def test_kills_from_outside_are_never_the_documents_fault(
    stage: type[DocumentSource], tmp_path: Path
) -> None:
    (item,) = _read(stage(), f"killed {tmp_path / 'twice'} 2")
    assert isinstance(item, Item)
    (item,) = _read(stage(), f"mixed {tmp_path / 'mixed'}")
    assert isinstance(item, Item), "one kill and one crash are not two crashes"
    with pytest.raises(StageFailed, match=r"killed three times at"):
        _read(stage(), f"killed {tmp_path / 'always'} 99")


def test_a_missing_library_is_not_the_documents_fault(stage: type[DocumentSource]) -> None:
    with pytest.raises(StageFailed, match="not through the fault of what was read: ImportError"):
        _read(stage(), "library")


def test_a_module_is_found_whatever_folder_the_users_modules_lie_in(
    stage: type[DocumentSource], tmp_path: Path
) -> None:
    before = user_code.folders()
    (other := tmp_path / "recipe").mkdir()
    user_code.look_in(other)
    try:
        (item,) = _read(stage(), "one")
    finally:
        user_code.look_in(*before)
    assert isinstance(item, Item)


def test_a_child_that_cannot_start_is_not_the_documents_fault(
    stage: type[DocumentSource], tmp_path: Path
) -> None:
    (tmp_path / "seedbed_obedient.py").write_text("import os\nos._exit(5)\n")
    with pytest.raises(StageFailed, match=r"did not start \(exit status 5\)"):
        _read(stage(), "one")


def test_a_child_killed_while_it_waits_is_replaced(stage: type[DocumentSource]) -> None:
    (one,) = _read(stage(), "one")
    os.kill(_pid(one), signal.SIGKILL)
    (two,) = _read(stage(), "two")
    assert _pid(two) != _pid(one)


UNHEARD = """
    import sys
    from stages import JsonlExtract, child
    from stages.errors import StageFailed

    ended = []

    def leave(process, limit):
        process._stdout.close()
        ended.append(process.wait())
        raise child.Died("crash", exit_status=ended[-1])

    child.Process.hear = leave
    try:
        list(JsonlExtract().splits(JsonlExtract().parts(sys.argv[1], 1 << 30)[0], "s", True))
    except StageFailed:
        print(sorted(set(ended)))
"""


def test_a_child_that_nobody_listens_to_ends_in_silence(tmp_path: Path) -> None:
    """Its worker gave up in the middle of a part, as on a full disk, and has told why. A process of
    its own, as a worker is: one with threads, as this is by now, may be forked with a lock held."""
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"text": f"{n} " * 400}) + "\n" for n in range(3000)))
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(UNHEARD), str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "[0]\n" and done.stderr == "", done.stderr
