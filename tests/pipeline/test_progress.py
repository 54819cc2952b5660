"""What people see while a run goes: plain lines without a terminal, one line rewritten on one."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from pipeline import progress
from pipeline.progress import Progress
from stages.words import duration, number, size


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, set by the test."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    return now


def _work(shown: Progress, clock: list[float], seconds: int) -> None:
    shown.begin("dedup")
    for second in range(1, seconds + 1):
        clock[0] += 1
        shown.step(second * 10, 1000)
    shown.say("02-dedup done")
    shown.close()


def test_without_a_terminal_a_line_every_quarter_of_a_minute(clock: list[float]) -> None:
    stream = io.StringIO()
    _work(Progress(None, stream), clock, 40)
    lines = stream.getvalue().splitlines()
    assert lines == [
        "dedup: 150 of 1,000, 10.0 a second, 85 s left",
        "dedup: 300 of 1,000, 10.0 a second, 70 s left",
        "02-dedup done",
    ]


def test_on_a_terminal_one_line_is_rewritten_and_removed(clock: list[float]) -> None:
    stream = Terminal()
    _work(Progress(None, stream), clock, 5)
    text = stream.getvalue()
    assert text.count("\n") == 1 and text.endswith("\r\x1b[K02-dedup done\n")
    assert "\r\x1b[Kdedup: 50 of 1,000" in text


def test_what_takes_less_than_two_seconds_says_nothing(clock: list[float]) -> None:
    stream = Terminal()
    shown = Progress(None, stream)
    shown.begin("split")
    clock[0] += 1.9
    shown.step(1, 2)
    shown.close()
    assert stream.getvalue() == ""


def test_events_are_lines_of_json_with_times(tmp_path: Path) -> None:
    shown = Progress(tmp_path / "events.jsonl", io.StringIO())
    shown.event("begin", label="01-x")
    shown.event("end", counts={"seen": 1}, note="\N{SNOWMAN}")
    rows = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    shown.close()
    assert [row["event"] for row in rows] == ["begin", "end"]
    assert rows[1]["counts"] == {"seen": 1} and rows[1]["note"] == "\N{SNOWMAN}"
    assert rows[0]["time"] <= rows[1]["time"]


def test_numbers_for_people() -> None:
    assert (number(1234567), number(0)) == ("1,234,567", "0")
    assert [duration(s) for s in (0.04, 9.94, 12.4, 119, 185, 7621)] == [
        "0.0 s",
        "9.9 s",
        "12 s",
        "119 s",
        "3 min 05 s",
        "2 h 07 min",
    ]
    assert [size(b) for b in (0, 999, 1500, 2_500_000, 3e9, 4e13)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.5 MB",
        "3.0 GB",
        "40000.0 GB",
    ]


def test_what_was_restored_is_not_counted_as_done_now(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(None, stream)
    shown.begin("train")
    clock[0] += 30  # the model is loaded
    shown.step(25, 48)  # restored
    for done in (26, 27):
        clock[0] += 20
        shown.step(done, 48)
    assert stream.getvalue().splitlines() == [
        "train: 25 of 48",
        "train: 26 of 48, 20 s each, 7 min 20 s left",
        "train: 27 of 48, 20 s each, 7 min 00 s left",
    ]


def test_the_first_unit_is_timed_from_the_begin(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(None, stream)
    shown.begin("html")
    clock[0] += 16
    shown.step(1, 4)
    assert stream.getvalue() == "html: 1 of 4, 16 s each, 48 s left\n"


def test_steps_of_an_end_stage_are_events_now_and_then(tmp_path: Path, clock: list[float]) -> None:
    shown = Progress(tmp_path / "events.jsonl", io.StringIO())
    shown.begin("09-train")
    for done in range(9):
        shown.timed(done, 8)
        clock[0] += 0.4
    shown.close()
    rows = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [row["done"] for row in rows] == [0, 3, 6, 8]
    assert all(
        (row["event"], row["label"], row["total"]) == ("step", "09-train", 8) for row in rows
    )
