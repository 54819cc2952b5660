"""Inputs that cost a reader of CSV most: each function makes about so many bytes; a
quarter of them where every second byte is a row of its own."""

from __future__ import annotations

from collections.abc import Callable

_HEAD = "id,text,n\n" + "1,some words,10\n" * 3


def _fill(begin: str, unit: str, end: str, size: int, between: str = "") -> bytes:
    count = max(1, (size - len(begin) - len(end)) // len(unit + between))
    return (begin + between.join([unit] * count) + end).encode()


def _wide(size: int, row: str = "x") -> bytes:
    count = size // 10
    header = ",".join(f"c{n}" for n in range(count))
    return (header + "\n" + ",".join([row] * count) + "\n").encode()


def _repeated(size: int) -> bytes:
    """Names that are numbers of other names, so that no number is free."""
    count = size // 12
    header = ["a"] * count + [f"a_{n}" for n in range(2, count)]
    return (",".join(header) + "\n" + ",".join("1" * len(header)) + "\n").encode()


CASES: dict[str, Callable[[int], bytes]] = {
    "many columns": _wide,
    "many columns of one name": lambda n: _fill("", "a", "\n" + "1,2\n", n, ","),
    "names that are numbered already": _repeated,
    "columns without names": lambda n: b"," * (n // 2) + b"\n" + b"," * (n // 2) + b"\n",
    "header without rows": lambda n: ",".join(f"c{k}" for k in range(n // 8)).encode() + b"\n",
    "more fields than columns": lambda n: _HEAD.encode() + b"x," * (n // 2) + b"\n",
    "rows of delimiters": lambda n: _fill(_HEAD, ",,,,,,,,,,,,,,,,\n", "", n),
    "one long field": lambda n: _fill(_HEAD + '2,"', "word ", '",3\n', n),
    "one long field without quotes": lambda n: _fill(_HEAD + "2,", "word ", ",3\n", n),
    "quotes": lambda n: _fill(_HEAD + "2,", '"', ",3\n", n),
    "quotes in a field": lambda n: _fill(_HEAD + '2,"', '""', '",3\n', n),
    "quotes in a field in a line each": lambda n: _fill(_HEAD + '2,"', '""\n', '",3\n', n // 4),
    "quotes that open in fields": lambda n: _fill(_HEAD, 'x"y,z",', "\n", n),
    "a quote that opens in each line": lambda n: _fill(_HEAD, '2,"a,3\n', "", n),
    "a quote that opens in each third line": lambda n: _fill(
        _HEAD, '2,"a,3\n1,b,2\n1,c,2\n', "", n
    ),
    "a quote that is not closed": lambda n: _fill(_HEAD + '2,"', "word word\n", "", n),
    "a quote that is not closed, short lines": lambda n: _fill(_HEAD + '2,"', "\n", "", n),
    "text behind closing quotes": lambda n: _fill(_HEAD, '2,"a"b"c"d,3\n', "", n),
    "text behind a far quote": lambda n: _fill(_HEAD + '2,"', "word\n", '"x,3\n', n),
    "text behind far quotes": lambda n: _fill(_HEAD, '2,"' + "word\n" * 500 + '"x,3\n', "", n),
    "backslashes": lambda n: _fill(_HEAD + '2,"a \\"b\\" c",3\n' + '3,"', "\\\\", '",3\n', n),
    "backslashes before line ends": lambda n: _fill(
        "1\ta\\nb\t\\N\n" * 3 + "2\t", "a\\\n", "\t3\n", n // 4
    ),
    "escaped quotes without end": lambda n: _fill(
        _HEAD + '2,"a \\"b\\" c",3\n' * 9 + '3,"', '\\"\n', "", n // 4
    ),
    "a backslash at each line's end": lambda n: _fill(
        "1\ta\\nb\t\\N\n" * 3, "2\tb\t3\\\n", "", n // 4
    ),
    "single quotes": lambda n: _fill("id,t\n1,'a, b'\n2,'it''s'\n3,'", "'' ", "'\n", n),
    "all delimiters": lambda n: _fill("a,b\n", ",;\t|: ^~", "\n", n),
    "all delimiters in a line each": lambda n: _fill("a,b\n", ",;\t|: ^~\n", "", n),
    "spaces behind delimiters": lambda n: _fill("a, b\n", ', "x" ', "\n", n),
    "spaces": lambda n: _fill("a,b\n1,", " ", "\n", n),
    "digits and marks": lambda n: _fill("a,b\n", "1.,'" * 12 + "x,2\n", "", n),
    "numbers with a letter behind": lambda n: _fill("a;b\n", "1" * 55 + "x;2\n", "", n),
    "addresses without a host": lambda n: _fill("a;b\n", "a.a-a+" * 8 + "@a;2\n", "", n),
    "carriage returns": lambda n: _fill("a,b\n", "\r", "\n", n),
    "carriage returns between rows": lambda n: _fill("a,b\r", "1,2\r", "", n),
    "line ends of both kinds": lambda n: _fill("a,b\r", '1,"2\r\n\r",\n', "", n),
    "empty lines": lambda n: _fill("a,b\n1,2\n", "\n", "", n),
    "lines of one character": lambda n: _fill("a,b\n1,2\n", "x\n", "", n // 4),
    "zero bytes": lambda n: _fill("a,b\n1,2\n" * 2000, "\0,1\n", "", n),
    "bytes that are no UTF-8": lambda n: b"a,b\n1,2\n" + b"\xff\xe9,\x81\n" * (n // 5),
    "utf-16": lambda n: (
        b"\xff\xfe" + _fill('a,b\n1,"', "x\n", '"\n', n // 2).decode().encode("utf-16-le")
    ),
    "marks": lambda n: _fill("\ufeffa,b\n", "\ufeff,\ufeff\n", "", n),
    "a preamble without a table": lambda n: _fill("", "x\n\n", "a,b,c,d\n", n),
    "nulls of a database": lambda n: _fill("1\ta\\nb\t\\N\n" * 3, "\\N\t", "\n", n),
    "a sep line and nothing": lambda n: _fill("sep=,\n", "\n", "", n),
    "fields that open and close in each line": lambda n: _fill(_HEAD, 'a","c\n', "", n // 4),
    "quotes that open in rows of 16 KB": lambda n: _fill(
        _HEAD, 'x"y,z,' * 2600 + "\n", "", max(n, 40000)
    ),
    "a number and spaces": lambda n: _fill("a;b\n1", " ", "x;2\n1;2\n", n),
    "digits in a header": lambda n: _fill("a;", "1", "x\n1;2\n", n),
    "rows nearly as wide as the table": lambda n: _fill("", "a;b\na;b;c\n", "", n),
    "wide header over narrow rows": lambda n: (
        ",".join("ab" for _ in range(n // 6)).encode() + b"\n" + b"x\n" * (n // 4)
    ),
    "long names over short values": lambda n: _fill(
        ",".join("name" * 250 + str(k) for k in range(40)) + "\n", "1," * 39 + "1\n", "", n
    ),
    "open quotes after backslashes": lambda n: _fill(
        "1\ta\\nb\t\\N\n" * 3, '"a\\"\tb\\\n', "", n // 4
    ),
    "short lines that are no UTF-8, late": lambda n: (
        b"a,b\n" + b"1,2\n" * 17_000 + b"\xcb\xee,\xe4\n" * (n // 6)
    ),
}
