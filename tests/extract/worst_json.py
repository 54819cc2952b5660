"""Inputs that cost a reader of JSON most: each function makes about so many bytes; a
quarter of them where every second byte is an item of its own."""

from __future__ import annotations

from collections.abc import Callable


def _fill(begin: str, unit: str, end: str, size: int, between: str = "") -> bytes:
    count = max(1, (size - len(begin) - len(end)) // len(unit + between))
    return (begin + between.join([unit] * count) + end).encode()


def _numbered(begin: str, unit: str, end: str, size: int) -> bytes:
    count = max(1, (size - len(begin) - len(end)) // (len(unit) + 4))
    return (begin + ",".join(unit.format(n) for n in range(count)) + end).encode()


def _deep_tree(size: int) -> bytes:
    depth = size // 40
    node = '{"role":"prompter","text":"q","replies":['
    return b'{"prompt":' + (node * depth + "]}" * depth).encode() + b"}\n"


def _branches(size: int) -> bytes:
    """A stem of many messages, and many leaves on its end."""
    stem = '{"role":"prompter","text":"q","replies":['
    leaves = '{"role":"assistant","text":"a"}'
    count = size // 40
    body = stem * 200 + ",".join([leaves] * count) + "]}" * 200
    return b'{"prompt":' + body.encode() + b"}\n"


def _rows_of_a_tree(size: int, above: Callable[[int], object]) -> bytes:
    row = '{{"message_id":{},"parent_id":{},"role":"user","text":"a"}}\n'
    rows = (row.format(n, above(n) if n else "null") for n in range(size // 50))
    return "".join(rows).encode()


CASES: dict[str, Callable[[int], bytes]] = {
    "one key twice among many": lambda n: _numbered(
        '{{"text":"t",'[1:], '"k{}":1', ',"k0":2}\n', n
    ),
    "many pairs of equal keys": lambda n: _fill('{"text":"t",', '"k":1', "}\n", n, ","),
    "array of small objects": lambda n: _fill("[\n", '{"text":"a"}', "]\n", n, ",\n"),
    "array on one line": lambda n: _fill("[", '{"text":"a"}', "]", n, ","),
    "array indented": lambda n: _fill("[\n", '  {\n    "text": "a"\n  }', "\n]\n", n, ",\n"),
    "array of numbers": lambda n: _fill("[\n", "1", "]\n", n // 4, ",\n"),
    "array of empty strings": lambda n: _fill("[\n", '""', "]\n", n // 4, ","),
    "array of empty arrays": lambda n: _fill("[\n", "[]", "]\n", n // 4, ","),
    "large element, then small ones": lambda n: _fill(
        '[\n{"text":"' + "x" * (n // 2) + '"},', '{"text":"a"}', "]\n", n, ","
    ),
    "nothing but commas": lambda n: _fill("[\n", ",", "]\n", n),
    "nothing but spaces": lambda n: _fill("[\n", " ", "]\n", n),
    "nothing but closing brackets": lambda n: _fill("[\n", "}", "]\n", n),
    "text behind the array": lambda n: _fill("[\n{}]", " x", "\n", n),
    "spaces behind the array": lambda n: _fill("[\n{}]", " ", "\n", n),
    "scalar without end": lambda n: _fill("[\n", "1", "", n),
    "brackets without end": lambda n: _fill("[\n", "[", "", n),
    "brackets without end in values": lambda n: _fill("{\n", '"a":{', "", n),
    "brackets without end in a line": lambda n: _fill('{"text":', "[", "\n", n),
    "brackets closed in a line": lambda n: (
        b'{"text":"a","b":' + b"[" * (n // 2) + b"]" * (n // 2) + b"}\n"
    ),
    "string without end": lambda n: _fill('[\n"', "x", "", n),
    "string of escapes without end": lambda n: _fill('[\n"', "\\\\", "", n),
    "string of escaped quotes without end": lambda n: _fill('[\n{"text":"', '\\"', "", n),
    "string of escapes": lambda n: _fill('{"text":"', "\\n", '"}\n', n),
    "string of lone surrogates": lambda n: _fill('{"text":"', "\\ud800", '"}\n', n),
    "object without end of many strings": lambda n: _fill("[\n{", '"a":"b",', "", n),
    "indented values": lambda n: _fill("", '{\n"text": "a"\n}\n', "", n),
    "empty lines": lambda n: _fill('{"text":"a"}\n', "\n", "", n),
    "lines of one character": lambda n: _fill('{"text":"a"}\n', "x\n", "", n // 4),
    "lines of carriage returns": lambda n: _fill('{"text":"a"}\n', "\r", "", n),
    "one line": lambda n: _fill('{"text":"', "word ", '"}\n', n),
    "an integer of many digits": lambda n: _fill('{"text":"a","n":', "9", "}\n", n),
    "integers of 4,000 digits": lambda n: _fill('{"text":"a","n":[', "9" * 4000, "]}\n", n, ","),
    "a fraction of many digits": lambda n: _fill('{"text":"a","n":0.', "9", "}\n", n),
    "an exponent of many digits": lambda n: _fill('{"text":"a","n":1e', "9", "}\n", n),
    "fractions of 4,000 digits": lambda n: _fill(
        '{"text":"a","n":[', "0." + "9" * 4000, "]}\n", n, ","
    ),
    "many messages": lambda n: _fill(
        '{"messages":[', '{"role":"user","content":"a"}', "]}\n", n, ","
    ),
    "many parts of a message": lambda n: _fill(
        '{"messages":[{"role":"user","content":[', '{"type":"text","text":"a"}', "]}]}\n", n, ","
    ),
    "many turns of a history": lambda n: _fill(
        '{"instruction":"a","output":"b","history":[', '["q","a"]', "]}\n", n, ","
    ),
    "a tree of one long branch": _deep_tree,
    "a tree of many leaves on a long stem": _branches,
    "a tree of many leaves": lambda n: _fill(
        '{"prompt":{"role":"prompter","text":"q","replies":[',
        '{"role":"assistant","text":"a"}',
        "]}}\n",
        n,
        ",",
    ),
    "rows of a tree of one long branch": lambda n: _rows_of_a_tree(n, lambda row: row - 1),
    "rows of a tree of many leaves": lambda n: _rows_of_a_tree(n, lambda row: 0),
    "rows that answer each other": lambda n: _rows_of_a_tree(n, lambda row: row + 1),
    "rows that answer what is not there": lambda n: _rows_of_a_tree(n, lambda row: '"x"'),
    "a list wrapped in an object": lambda n: _fill('{"data":[', '{"text":"a"}', "]}\n", n, ","),
    "many lists in an object": lambda n: _numbered("{", '"k{}":[{{}}]', "}\n", n),
    "many keys of no form": lambda n: _numbered("{", '"k{}":1', "}\n", n),
    "utf-16 without line ends": lambda n: (
        b"\xff\xfe" + _fill('{"text":"', "a", '"}', n // 2).decode().encode("utf-16-le")
    ),
    "utf-16 with the bytes of line ends in letters": lambda n: (
        b"\xff\xfe" + _fill('{"text":"', "\u0a0a", '"}\n', n // 2).decode().encode("utf-16-le")
    ),
    "marks of every charset": lambda n: _fill("\ufeff", "\ufeff", "\n", n // 2),
    "zero bytes": lambda n: _fill('{"text":"a"}\n', "\0a\n", "", n),
    "bytes that are no UTF-8": lambda n: b'{"text":"a"}\n' + b"\xff\n" * (n // 8),
}
