"""Rows read in a killable child: what kills the reader costs one file its rest, and nothing else.

The lines of its files are orders: the stage does to its process what they say.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stages
from stages import child
from stages.base import RowSource
from stages.errors import StageFailed, UsageError

STAGE = """
import os, signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from stages.base import ISOLATION_REASONS, Item, Part, RowSource
from stages.errors import UsageError
from stages.place import Place
from stages.watch import tick, untimed

@dataclass(frozen=True)
class Rows(RowSource):
    name = "rows"
    reasons = {**ISOLATION_REASONS}

    def parts(self, path, size):
        names = sorted(os.listdir(path))
        return [Part(path, tuple(names))]

    def read(self, part):
        (name,) = part.files
        for number, line in enumerate((Path(part.root) / name).read_text().splitlines()):
            order, _, rest = line.partition(" ")
            if order == "crash":
                os.abort()
            if order == "sometimes":  # at another row each time, a hundred times
                before = len(Path(rest).read_text()) if os.path.exists(rest) else 0
                if before < 100 and number == 3 + before % 50:
                    Path(rest).write_text("x" * (before + 1))
                    os.abort()
            if order == "exit":
                os._exit(3)
            if order == "raise":
                [][1]
            if order == "mistake":
                raise UsageError(rest)
            if order == "system":
                raise OSError(5, "Input/output error")
            if order == "spin":
                while True:
                    pass
            if order == "long":
                for _ in range(60):
                    tick()
                    sum(range(4_000_000))
            if order == "query":
                with untimed():
                    sum(range(120_000_000))
            if order == "eat":
                held = bytearray(int(rest) << 20)
            if order == "hoard":
                globals().setdefault("HELD", []).append(bytearray(int(rest) << 20))
            if order == "killed":
                path, times = rest.rsplit(" ", 1)
                before = len(Path(path).read_text()) if os.path.exists(path) else 0
                if before < int(times):
                    Path(path).write_text("x" * (before + 1))
                    os.kill(os.getpid(), signal.SIGKILL)
            yield Item(Place(name, line=number, offset=number, length=1), line.encode(),
                       [{"text": line, "meta": str(os.getpid())}])
"""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[RowSource]]:
    """A source in a module that only this process finds by itself."""
    home = tmp_path / "code"
    home.mkdir()
    (home / "seedbed_rows.py").write_text(STAGE)
    monkeypatch.syspath_prepend(str(home))
    yield stages.stage("seedbed_rows:Rows")
    child.end_waiting()
    sys.modules.pop("seedbed_rows", None)


class Read:
    """What came of a folder of orders."""

    def __init__(self, stage: RowSource, folder: Path, files: dict[str, list[str]]) -> None:
        folder.mkdir(exist_ok=True)
        for name, orders in files.items():
            (folder / name).write_text("".join(order + "\n" for order in orders))
        (part,) = stage.parts(str(folder), 1)
        splits = list(stage.splits(part, "s", True))
        self.kept = [row for split in splits for row in split.kept.to_pylist()]
        self.rejects = [row for split in splits for row in split.rejects.to_pylist()]
        self.texts = [row["text"] for row in self.kept]
        self.ids = [row["id"] for row in self.kept]

    def reasons(self) -> list[tuple[str, str]]:
        return [(row["reason"], row["place"]) for row in self.rejects]


def test_rows_are_equal_with_and_without_the_child(stage: type[RowSource], tmp_path: Path) -> None:
    files = {"a": ["one", "one", "two"], "b": ["one"], "c": []}
    found = Read(stage(), tmp_path / "in", files)
    (part,) = stage().parts(str(tmp_path / "in"), 1)
    (plain,) = stage().splits(part, "s")
    assert found.ids == plain.kept.column("id").to_pylist() and len(set(found.ids)) == 4
    assert {row["meta"] for row in found.kept}.isdisjoint({str(os.getpid())})
    (again,) = [row["meta"] for row in Read(stage(), tmp_path / "x", {"a": ["one"]}).kept]
    assert again == found.kept[0]["meta"], "the child waits for the next part"


@pytest.mark.parametrize(
    ("order", "reason", "evidence"),
    [
        ("crash", "crash", '{"exit_status":-6,"items_before":2}'),
        ("spin", "deadline", '{"cpu_seconds":1.0,"items_before":2}'),
        ("eat 4000", "memory", '{"items_before":2,"limit_mb":1024}'),
        ("raise", "crash", '{"after":"b@1+1:1","error":"IndexError: list index out of range"}'),
    ],
)
def test_what_kills_the_reader_costs_its_file_the_rest_and_no_neighbour(
    stage: type[RowSource], tmp_path: Path, order: str, reason: str, evidence: str
) -> None:
    files = {"a": ["same", "same"], "b": ["one", "two", order, "lost"], "c": ["three"]}
    found = Read(stage(deadline=1.0, memory=1024), tmp_path / "in", files)
    assert found.texts == ["same", "same", "one", "two", "three"]
    assert found.reasons() == [(reason, "b")] and found.rejects[0]["evidence"] == evidence
    files["b"] = ["one", "two"]
    assert found.ids == Read(stage(), tmp_path / "whole", files).ids, "ids know no death"


def test_every_file_may_kill_its_reader(stage: type[RowSource], tmp_path: Path) -> None:
    files = {f"{n}": ["good", "crash", "lost"] for n in range(6)}
    found = Read(stage(), tmp_path / "in", files)
    assert found.texts == ["good"] * 6
    assert found.reasons() == [("crash", f"{n}") for n in range(6)]


def test_deaths_in_the_second_thousand_of_rows_lose_and_repeat_nothing(
    stage: type[RowSource], tmp_path: Path
) -> None:
    rows = [f"row {n % 700}" for n in range(2500)]
    found = Read(stage(), tmp_path / "in", {"a": [*rows, "crash", "lost"], "b": ["end"]})
    assert found.texts == [*rows, "end"] and found.reasons() == [("crash", "a")]
    assert found.ids == Read(stage(), tmp_path / "whole", {"a": rows, "b": ["end"]}).ids


def test_a_file_whose_readers_die_now_here_now_there_is_given_up(
    stage: type[RowSource], tmp_path: Path
) -> None:
    orders = [f"sometimes {tmp_path / 'n'}"] * 60
    found = Read(stage(), tmp_path / "in", {"a": orders, "b": ["end"]})
    assert found.reasons() == [("crash", "a")] and found.texts[-1] == "end"
    assert len((tmp_path / "n").read_text()) < 10


def test_a_death_before_the_first_row_is_booked_in_its_own_part(
    stage: type[RowSource], tmp_path: Path
) -> None:
    """The board of a child that has read another part shows that part at first."""
    Read(stage(), tmp_path / "first", {"a": ["one"], "b": ["two"], "c": ["three", "four"]})
    found = Read(stage(), tmp_path / "in", {"a": ["crash"]})
    assert found.reasons() == [("crash", "a")] and not found.texts


def test_work_that_moves_on_and_a_users_own_query_have_time(
    stage: type[RowSource], tmp_path: Path
) -> None:
    found = Read(stage(deadline=1.0), tmp_path / "in", {"a": ["long", "query", "end"]})
    assert found.texts == ["long", "query", "end"] and not found.rejects


def test_what_was_read_before_is_not_booked_on_a_later_file(
    stage: type[RowSource], tmp_path: Path
) -> None:
    Read(stage(memory=1024), tmp_path / "first", {"a": ["hoard 300"]})
    found = Read(stage(memory=1024), tmp_path / "in", {"b": ["eat 600"]})
    assert found.texts == ["eat 600"] and not found.rejects


def test_kills_from_outside_are_never_the_files_fault(
    stage: type[RowSource], tmp_path: Path
) -> None:
    found = Read(stage(), tmp_path / "in", {"a": ["one", f"killed {tmp_path / 'n'} 2", "two"]})
    assert len(found.texts) == 3 and not found.rejects
    with pytest.raises(StageFailed, match="killed three times at a by another process"):
        Read(stage(), tmp_path / "in", {"a": ["one", f"killed {tmp_path / 'm'} 9", "two"]})


@pytest.mark.parametrize(
    ("order", "error", "said"),
    [
        ("mistake no such column", UsageError, "no such column"),
        ("system", StageFailed, "not through the fault of what was read: OSError"),
    ],
)
def test_mistakes_and_trouble_of_the_machine_stop_the_reading(
    stage: type[RowSource], tmp_path: Path, order: str, error: Any, said: str
) -> None:
    with pytest.raises(Exception, match=said) as caught:
        Read(stage(), tmp_path / "in", {"a": ["one", order]})
    assert caught.value.exit_code == error.exit_code  # type: ignore[attr-defined]


def test_a_reader_is_forked_from_a_worker(
    stage: type[RowSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs nothing, and holds nothing of another reader's."""
    monkeypatch.setattr(child, "_may_fork", True)
    monkeypatch.setattr(child, "_can_fork", lambda: True)
    files = {"a": ["one"], "b": ["exit"], "c": ["hoard 10", "two"]}
    found = Read(stage(), tmp_path / "in", files)
    assert found.texts == ["one", "hoard 10", "two"] and found.reasons() == [("crash", "b")]
    assert "HELD" not in vars(sys.modules["seedbed_rows"])
