"""Small files of JSON lines: written and read back, on one line for every reader."""

from __future__ import annotations

from pathlib import Path

import jsonlines
import pytest

from stages import json_lines

ROWS = [{"b": "é \u2028 \u0085 \n", "a": 1.5}, {}, {"z": [None, True]}]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    json_lines.write(tmp_path / "a.jsonl", ROWS)
    assert json_lines.read(tmp_path / "a.jsonl") == ROWS
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8").split("\n")[2] == '{"z":[null,true]}'


def test_no_letter_ends_a_line_for_other_readers(tmp_path: Path) -> None:
    with json_lines.Lines(tmp_path / "a.jsonl") as lines:
        for row in ROWS:
            lines.write(row)
    text = (tmp_path / "a.jsonl").read_text(encoding="utf-8")
    assert len(text.splitlines()) == len(ROWS) and text.startswith('{"b": "é \\u2028')
    assert json_lines.read(tmp_path / "a.jsonl") == ROWS


def test_a_foreign_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n[2]\n')
    with pytest.raises(jsonlines.InvalidLineError):
        json_lines.read(tmp_path / "a.jsonl")
