"""Pages, tables and JSON: the worst-case tables of the tests, damage by seed, odd bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from tests.attack.trial import Trial, batches
from tests.extract import worst_csv, worst_html, worst_json
from tests.pipeline.world import page, prose

TEXT = "good words of a neighbour"
WHOLE = {
    "pages": page(
        f"{prose(1)}</p><table><tr><td>a</td><td>{prose(2)}</td></tr></table><pre>x = 1\n</pre>"
        f"<ul><li>{prose(3)}</li></ul><p>&amp; {prose(4)}",
        "A page",
    ).encode(),
    "tables": ("id,text,n\n" + "".join(f'{n},"{prose(n, 9)}",{n}\n' for n in range(30))).encode(),
    "json": b"".join(
        json.dumps({"prompt": prose(n, 5), "completion": prose(-n, 9), "n": [n, None]}).encode()
        + b"\n"
        for n in range(20)
    ),
}
GOOD = {
    "pages": (".html", page(f"{TEXT} {prose(7)}").encode(), TEXT),
    "tables": (".csv", f"id,text,n\n1,{TEXT},2\n".encode(), TEXT),
    "json": (".jsonl", json.dumps({"text": TEXT}).encode() + b"\n", TEXT),
}
WORST: dict[str, Mapping[str, Callable[[int], bytes]]] = {
    "pages": worst_html.CASES,
    "tables": worst_csv.CASES,
    "json": worst_json.CASES,
}
STAGES = {"pages": "html", "tables": "csv", "json": "jsonl"}
SIZES = {"pages": 200_000, "tables": 200_000, "json": 200_000}
# What would move a cursor or fake a line, in every place that may be shown.
ESCAPES = "\x1b]0;x\x07\x1b[2J\r\u202e\x9b1m good"
ODD: dict[str, dict[str, bytes]] = {
    "pages": {
        "escapes": page(ESCAPES * 9, ESCAPES).encode(),
        "nul": page("a\0b " * 99).encode(),
        "utf-16": "\ufeff".encode("utf-16-le") + page(prose(5)).encode("utf-16-le"),
        "wrong charset": b"<meta charset=utf-7>" + page("+ADw-script+AD4- " * 20).encode(),
        "no such charset": b"<meta charset=%00../../x>" + page(prose(6)).encode(),
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
        "head": b"<html><head><title>" * 2000,
        "frames": b"<frameset>" * 3000 + b"<iframe src=file:///etc/passwd>",
        "entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>&x; ' + b"w " * 30,
        "large": b"<p>" + b"word " * 3_600_000,
        "surrogates": b"<p>" + b"&#xd800;&#xffffffff;&#0; word " * 999,
    },
    "tables": {
        "escapes": f'text,n\n"{ESCAPES}",1\n{ESCAPES},2,3,4\n'.encode(),
        "nul": b"text,n\na\0b,1\n" * 9,
        "names": (ESCAPES + ",text\n1,2\n").encode(),
        "one line": b"text\n" + b"x" * (18 << 20),
        "formulas": b"text,n\n=cmd|' /C calc'!A0,1\n@SUM(1),2\n",
        "surrogates": b"text,n\n\xed\xa0\x80,1\n",
        "width": b"text," + b"," * 300_000 + b"\n1\n",
        "quote": b'text,n\n"' + b"word,\n" * 400_000,
    },
    "json": {
        "escapes": json.dumps({"text": ESCAPES, ESCAPES: 1}).encode() + b"\n{" + ESCAPES.encode(),
        "numbers": b'{"text":"a","n":1e999}\n{"text":"a","n":NaN}\n{"text":"a","n":-Infinity}\n',
        "keys": b'{"__class__":"a","text":"b","__proto__":{"text":1}}\n{"text":"a","text":"b"}\n',
        "depth": b'{"text":' + b'{"a":' * 200_000 + b"\n",
        "array": b"[" * 3_000_000,
        "long": b'{"text":"' + b"x" * (20 << 20) + b'"}\n',
        "digits": b'{"text":"a","n":' + b"9" * 2_000_000 + b"}\n",
        "types": b'{"text":5}\n{"messages":"x"}\n{"messages":[[]]}\n7\nnull\n"x"\n[]\n',
        "places": b'{"text":"{a.__class__}","id":"../../x","place":"/etc/passwd#x@1+2"}\n',
    },
}
SUFFIX = {"pages": ".html", "tables": ".csv", "json": ".jsonl"}


def changed(whole: bytes, draw: random.Random) -> bytes:
    """The text with pieces repeated, moved, cut, and bytes that mean something put in."""
    data = bytearray(whole)
    for _ in range(draw.randint(1, 12)):
        at, other = draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)
        way = draw.randrange(5)
        if way == 0:
            data[at : at + draw.randrange(9)] = b""
        elif way == 1:
            data[at:at] = data[other : other + draw.randrange(200)] * draw.randint(1, 30)
        elif way == 2:
            data[at:at] = draw.choice(_PIECES) * draw.randint(1, 40)
        elif way == 3:
            data[at : at + 1] = draw.randbytes(1)
        else:
            del data[at:][: draw.randrange(60)]
        data = data or bytearray(b" ")
    return bytes(data)


_PIECES = [
    b"<", b">", b"</", b"<!--", b"-->", b"<table>", b"<b>", b"<script>", b"&", b"&#x", b"\0", b"\n",
    b"\r", b'"', b"'", b"\\", b",", b";", b"\t", b"{", b"}", b"[", b"]", b":", b"\xff",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[2J", b"1e999", b"null", b"\\ud800", b"\\N",
    b"\xe2\x80\xae",
]  # fmt: skip


def damaged(field: str, seed: int, count: int) -> dict[str, bytes]:
    """Some changes of a good file."""
    draw = random.Random(f"{field} {seed}")
    return {f"c{n:03}{SUFFIX[field]}": changed(WHOLE[field], draw) for n in range(count)}


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """The tables of one of the three fields."""
    stage, suffix, good = STAGES[field], SUFFIX[field], GOOD[field]
    worst = {
        f"{name}{suffix}": partial(make, 20_000 if fast else SIZES[field])
        for name, make in WORST[field].items()
    }
    odd = {f"{name}{suffix}": data for name, data in ODD[field].items()}
    if fast:
        odd = {name: data for name, data in odd.items() if len(data) < 100_000}
        worst = dict(list(worst.items())[::6])
        yield from batches("all", stage, {**worst, **odd, **damaged(field, seed, 20)}, good,
                           at_once=200)  # fmt: skip
        return
    yield from batches("worst", stage, worst, good, at_once=20)
    yield from batches("odd", stage, odd, good)
    yield from batches("damaged", stage, damaged(field, seed, 200), good, at_once=100)
