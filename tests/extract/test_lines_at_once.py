"""Lines that are alike are read array-wise, with the outcome of reading each by itself."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stages.arrays import Rows
from stages.counts import Counts
from stages.extract.jsonl import JsonlExtract
from stages.extract.jsontext import lines
from stages.extract.jsontext.alike import Alike
from stages.extract.jsontext.lines import Line, Whole
from stages.place import Place
from stages.testing import in_ranges, one_after_another, plain

Reader = Callable[[Alike, Place, Whole], Iterator[Rows | Line]]
Outcome = tuple[dict[str, list[Any]], dict[str, list[Any]], Counts]


def _one_by_one(self: Alike, place: Place, whole: Whole) -> Iterator[Line]:
    offset = 0
    for number, line in enumerate(whole.data.splitlines(keepends=True), whole.number):
        raw = line.removesuffix(b"\n").removesuffix(b"\r")
        yield Line(whole.offset + offset, number, raw, len(raw), True)
        offset += len(line)


def outcome(path: Path, **parameters: Any) -> Outcome:
    stage = JsonlExtract(**parameters)
    found = [one for part in stage.parts(str(path), 1 << 24) for one in stage.splits(part, "s")]
    counts = Counts()
    for one in found:
        counts.add(one.counts)
    kept = pa.concat_tables([one.kept for one in found]).to_pydict()
    return kept, pa.concat_tables([one.rejects for one in found]).to_pydict(), counts


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[Outcome, int]]:
    """Reads bytes in both ways, holds them against each other, and says how many lines were read
    at once."""
    at_once = Alike.read

    def read(data: bytes, block: int = 1 << 22, **parameters: Any) -> tuple[Outcome, int]:
        path = tmp_path / "a.jsonl"
        path.write_bytes(data)
        rows = 0

        def counting(self: Alike, place: Place, whole: Whole) -> Iterator[Rows | Line]:
            nonlocal rows
            for one in at_once(self, place, whole):
                rows += len(one) if isinstance(one, Rows) else 0
                yield one

        monkeypatch.setattr(lines, "_FIRST", min(block, 1 << 17))
        monkeypatch.setattr(lines, "_BLOCK", block)
        monkeypatch.setattr(Alike, "read", counting)
        found = outcome(path, **parameters)
        monkeypatch.setattr(Alike, "read", _one_by_one)
        wanted = outcome(path, **parameters)
        for one, other in zip(found[:2], wanted[:2], strict=True):
            for name in other:
                assert one[name] == other[name], name
        assert found[2] == wanted[2]
        return found, rows

    return read


def _lines(*values: Any, ascii: bool = True) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=ascii) + "\n" for one in values).encode()


TEXT = 'a "quoted" \\ text\nof\ttwo lines / \x01 \x7f é 日本 😀'
TALK = [{"role": "user", "content": TEXT}, {"role": "assistant", "content": "yes"}]
ALIKE = {
    "text": {"text": TEXT},
    "pair": {"prompt": TEXT, "completion": "an answer"},
    "alpaca": {"instruction": "do it", "input": TEXT, "output": "done"},
    "alpaca without": {"instruction": "do it", "input": "", "output": TEXT},
    "talk": {"messages": TALK},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": TEXT}]
    },
    "meta": {"id": TEXT, "text": "a", "n": 12, "x": 0.5, "ok": None, "Z": True, "e": 1e300},
    "nested": {"meta": {"b": [TEXT, 1, {"c": None}], "a": {}}, "text": "a", "l": []},
}


@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("name", ALIKE)
def test_usual_lines_are_read_at_once(
    name: str, ascii: bool, both: Callable[..., tuple[Outcome, int]]
) -> None:
    data = _lines(*[{**ALIKE[name], "number": n} for n in range(20)], ascii=ascii)
    (kept, _, _), rows = both(data)
    assert rows == len(kept["id"]) == 20
    _, rows = both(data.replace(b"\n", b"\r\n"))
    assert rows == 20


ODD = [
    b'{"text":"a","text":"b"}',
    b'{"text":" \\n"}',
    b'{"text":""}',
    b'{"text":"\\ud800"}',
    b'{"text":"\\udc00\\ud800"}',
    b'{"text":"\\ud83d\\ude00"}',
    b'{"text":"\\u00zz"}',
    b'{"text":"\\x"}',
    b'{"text":"a\tb"}',
    b'{"text":"\xff"}',
    b'{"text":"a"}{"text":"b"}',
    b'{"text":"a"} {',
    b'{"text":5}',
    b'{"text":null}',
    b'{"text":"a","n":NaN}',
    b'{"text":"a","n":1e999}',
    b'{"text":"a","n":-0}',
    b'{"text":"a","n":01}',
    b'{"text":"a","n":123456789012345678901234567890}',
    b'{"text":"a","n":1.50}',
    b'{"text":"a","n":"\\u0041\\/"}',
    b'{"text":"a" , "n" : [ 1 ,2 ] }',
    b'{"te\\u0078t":"a"}',
    b'{"text":"\\u3000"}',
    b'{"text":"\\u3042"}',
    '{"text":"\ue000s0\ue000"}'.encode(),
    b'{"text":"a","n":"b","m":{"\\ue000s1\\uE000":1}}',
    b'{"text":"a","m":[{"\\ue000n7\\ue000":1}]}',
    b'{"messages":[]}',
    b'{"messages":[1,null],"n":"a"}',
    b'{"messages":["ab"]}',
    b'{"messages":[[["role","user"],["content","a"]]]}',
    b'{"messages":[{"role":"user","content":null}]}',
    b'{"messages":[{"role":"user","content":"a","name":"b"}]}',
    b'{"system":"be good","messages":[{"role":"user","content":"a"}]}',
    b'{"message_id":"1","parent_id":null,"role":"prompter","text":"a"}',
    b"[1]",
    b"  ",
    b"",
    b'{"text":"cut',
]


@pytest.mark.parametrize("odd", ODD)
def test_an_unusual_line_has_the_outcome_that_it_has_alone(
    odd: bytes, both: Callable[..., tuple[Outcome, int]]
) -> None:
    usual = [b'{"text":"line %d"}' % n for n in range(4)]
    both(b"\n".join([*usual, odd, *usual, odd, odd]) + b"\n")
    both(b"\n".join([odd, odd, *usual, odd]))


@pytest.mark.parametrize("seed", range(60))
def test_lines_of_all_kinds_come_out_the_same(
    seed: int, both: Callable[..., tuple[Outcome, int]]
) -> None:
    draw = random.Random(seed)
    both(_file(draw), draw.choice([64, 300, 1000, 1 << 22]), **draw.choice(PARAMETERS))


PARAMETERS: list[dict[str, str]] = [
    *[{}] * 6,
    {"form": "text"},
    {"text": "id"},
    {"prompt": "id", "completion": "n"},
    {"prompt": "{id} {n}", "completion": "tags"},
    {"messages": "messages"},
    {"system": "id"},
]
_WORDS = [
    "a",
    "word ",
    "é",
    "日本",
    " ",
    "\n",
    '"',
    "\\",
    "/",
    "😀",
    "\u00a0",
    "\u3000",
    "{",
    "]",
    ",",
]
_WORDS += ["\ue000", "\x00", "\x1f", "\u2028", ":"]
_FIXED = ("prompt", "completion", "instruction", "input", "output", "text", "system")


def _text(draw: random.Random) -> str:
    return "".join(draw.choices(_WORDS, k=draw.choice([0, 1, 2, 5, 20])))


def _value(draw: random.Random, level: int = 0) -> Any:
    kind = draw.random()
    if kind < 0.5 or level > 2:
        return _text(draw)
    if kind < 0.75:
        return draw.choice([0, -3, 10**30, 1.5, -0.0, 1e300, 1e-7, True, None, 100.0])
    if kind < 0.9:
        return [_value(draw, level + 1) for _ in range(draw.randint(0, 3))]
    return {draw.choice("abé"): _value(draw, level + 1) for _ in range(draw.randint(0, 3))}


def _row(draw: random.Random, keys: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key in keys:
        if key in ("messages", "conversations"):
            role, content = ("role", "content") if key == "messages" else ("from", "value")
            row[key] = [{role: who, content: _text(draw)} for who in ("user", "assistant", "tool")]
            del row[key][draw.choice([0, 2, 2, 2, 3]) :]
        else:
            usual = key in _FIXED and draw.random() < 0.95
            row[key] = _text(draw) if usual else _value(draw)
    return row


def _file(draw: random.Random) -> bytes:
    forms = [["text"], ["prompt", "completion"], ["instruction", "input", "output"], ["messages"]]
    forms += [["conversations"], ["system", "messages"], ["question"]]
    shapes = [
        [*draw.choice(forms), *draw.sample(["id", "n", "tags", "Ü", "x y"], draw.randint(0, 4))]
        for _ in range(draw.randint(1, 3))
    ]
    ascii, separators = draw.random() < 0.5, draw.choice([None, (",", ":"), (" , ", " : ")])
    found = []
    for _ in range(draw.randint(1, 40)):
        row = _row(draw, draw.choice(shapes))
        line = json.dumps(row, ensure_ascii=ascii, separators=separators).encode()
        if draw.random() < 0.1:
            line = _broken(draw, line)
        found.append(line)
    end = draw.choice([b"\n", b"\r\n"])
    return end.join(found) + draw.choice([b"", end])


def _broken(draw: random.Random, line: bytes) -> bytes:
    changed = bytearray(line)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(changed))
        changed[at : at + draw.randint(0, 1)] = bytes(
            [draw.choice(b'"\\{}[]:,u0d \x00\xe3\xff1-.')]
        )
    return bytes(changed)


def test_a_part_of_many_blocks_is_cut_at_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(_lines(*[{"text": f"line {n} " + "x" * (n % 50)} for n in range(3000)]))
    stage = JsonlExtract()
    (part,) = stage.parts(str(path), 10_000)
    ranged = in_ranges(stage, part, 10_000)
    assert len(ranged) > 5
    assert one_after_another(ranged) == plain(stage.read(part))


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [0, 1, 3, 300])
def test_what_follows_a_line_that_is_too_long_keeps_its_place(
    before: int, ending: bytes, tmp_path: Path
) -> None:
    """Its line end is part of what was passed over, and is not counted twice."""
    texts = [b'{"a":1}'] * before + [b"x" * 5000, b'{"b":2}', b"y" * 2000, b"z" * 2001, b'{"c":3}']
    data = ending.join(texts) + ending
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    places = []
    with path.open("rb") as file:
        for found in lines.blocks(file, limit=1000):
            held = found.data if isinstance(found, Whole) else found.raw
            assert data.startswith(held, found.offset)
            places.append(found.offset)
            if isinstance(found, Whole):
                assert found.number == 1 + data[: found.offset].count(b"\n")
    assert {data.index(text) for text in (b"x", b'{"b"', b"y", b"z", b'{"c"')} <= {*places}
