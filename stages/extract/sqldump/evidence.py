"""Which server a dump was written for, by evidence in its first bytes.

Words count where they are SQL: not within strings, names and comments, but for the headings that
tools write. Whether a backslash escapes is seen from the strings themselves: read the wrong way,
one ends before a letter.
"""

from __future__ import annotations

import re

DIALECTS = ("mysql", "postgres", "sqlite", "mssql", "oracle", "db2")
HEAD = 1 << 18

# (dialect, weight, pattern): what only that server's tools or its people write. A tool's own
# heading decides alone; the small ones must add up.
_EVIDENCE: tuple[tuple[str, int, bytes], ...] = (
    ("mysql", 50, rb"^-- (?:MySQL|MariaDB) dump |^/\*M!999999|^-- phpMyAdmin SQL Dump"),
    ("mysql", 4, rb"/\*!\d{5} "),
    ("mysql", 3, rb"(?i)\bENGINE\s*=\s*\w|\bAUTO_INCREMENT\b|^SET NAMES\b|^DELIMITER "),
    ("mysql", 4, rb"(?i)(?:INSERT INTO|TABLE|EXISTS|REPLACE INTO) `"),
    ("mysql", 3, rb"^# |(?i:\bSTR_TO_DATE\()"),
    ("mysql", 2, rb"(?i)^(?:LOCK|UNLOCK) TABLES|^REPLACE INTO|^INSERT IGNORE"),
    ("mysql", 1, rb"\\'"),
    ("postgres", 50, rb"^-- PostgreSQL database (?:cluster )?dump"),
    ("postgres", 6, rb"(?i)^COPY [^\n]* FROM stdin|pg_catalog\.|^SET client_encoding"),
    ("postgres", 4, rb"(?i)^SET standard_conforming_strings|^SET search_path|^\\(?:c|connect)\b"),
    ("postgres", 3, rb"(?i)\bcharacter varying|\btimestamp with(?:out)? time zone|\bbytea\b|::\w"),
    ("postgres", 2, rb"(?i)[\w\"]\s+(?:small|big)?serial\b(?!\s*=)|\bnextval\(|\$\$"),
    ("postgres", 2, rb"(?i)\bALTER TABLE ONLY\b"),
    ("postgres", 5, rb"(?i)(?<![\w\"`.])E''"),
    ("sqlite", 20, rb"(?i)^PRAGMA foreign_keys|^PRAGMA \w+"),
    ("sqlite", 8, rb"(?i)\bsqlite_sequence\b|\bsqlite_schema\b|\bsqlite_master\b|unistr\('"),
    ("sqlite", 5, rb"(?i)\bAUTOINCREMENT\b|,char\(10\)\)"),
    ("sqlite", 3, rb"(?i)^BEGIN TRANSACTION;"),
    ("sqlite", 6, rb"^INSERT INTO (?:\w+|\"\w+\") VALUES\("),
    ("sqlite", 3, rb"^INSERT INTO (?:\w+|\"\w+\") VALUES\([^\n]*\d\.\d{16,}"),
    ("mssql", 8, rb"(?im)^GO\s*$"),
    ("mssql", 6, rb"\[dbo\]\.|(?i:SET IDENTITY_INSERT)|(?i:SET ANSI_NULLS)"),
    ("mssql", 4, rb"(?i)\bCONVERT\s*\(\s*(?:small)?date(?:time2?)?\b"),
    ("mssql", 2, rb"(?i)\bnvarchar\b|\bIDENTITY\s*\(|TABLE \["),
    ("oracle", 8, rb"(?i)\bvarchar2\b|^SET DEFINE|\bHEXTORAW\(|\bto_(?:date|timestamp)\("),
    ("oracle", 8, rb"(?im)^REM |^PROMPT |\bFROM dual\b|^INSERT ALL\b|[^\w]q'\["),
    ("oracle", 3, rb"(?im)^/\s*$"),
    ("oracle", 3, rb"(?i)[\w\"]\s+(?:NUMBER|N?CLOB)\s*(?:\(\s*\d|[,)]|(?:NOT|DEFAULT|PRIMARY)\b)"),
    ("db2", 20, rb"(?i)^--#SET TERMINATOR|^CONNECT TO \w+\s*[@;]|;[^\S\n]*+\n\s*+CONNECT RESET"),
    ("db2", 6, rb"(?i)\bDb2\b|\bBLOB\(X'"),
    ("db2", 3, rb"(?im)@\s*$"),
)  # fmt: skip
_HEADING = re.compile(rb"\^(?:--|/)")
_COMPILED = [
    (name, weight, re.compile(text, re.MULTILINE), _HEADING.search(text) is not None)
    for name, weight, text in _EVIDENCE
]
# What is no SQL: data of COPY, strings, names, comments; group s: a string. What is not closed goes
# on to the end, or the search for what closes it would begin anew at each mark.
_NO_SQL = rb"""(?msx)
    (?P<copy> (?i:^COPY \s [^\n;]*? \b STDIN \b) [^\n]*+ (?: \n (?!\\\.) [^\n]*+ )*+ )
  | (?P<q> (?<!\w) [nN]?+ [qQ]'
      (?: \[[^\]]{0,512}+\] | \{[^}]{0,512}+\} | \([^)]{0,512}+\) | <[^>]{0,512}+> ) ' )
  | (?P<s> ' %s (?: ' | \Z ) )
  | (?P<d> " (?: [^"\\\n]++ | \\(?:.|\Z) | "" )*+ (?: " | (?=\n) | \Z ) )
  | (?P<b> `[^`\n]*+` )
  | (?P<line> --[^\n]*+ | ^\#[^\n]*+ )
  | (?P<block> /\* (?!M?!) (?: [^*]++ | \* (?!/) )*+ (?: \*/ | \Z ) )
"""
_PLAIN = re.compile(_NO_SQL % rb"(?: [^']++ | '' )*+")
_ESCAPED = re.compile(_NO_SQL % rb"(?: [^'\\]++ | '' | \\(?:.|\Z) )*+")
_WORD = re.compile(rb"\w")
_ESCAPES = 4  # weight of strings that only a backslash holds together
_SURE = 8  # what must speak for SQLite for its numbers to be read as its own


def detect(head: bytes) -> str:
    """The dialect that the first bytes of a file speak for."""
    return evidence(head)[0]


def evidence(head: bytes) -> tuple[str, bool]:
    """(dialect, whether digits stay as they stand since nothing says that SQLite wrote them); more
    bytes are looked at where few words decide."""
    for size in (1 << 12, 1 << 15, HEAD):
        sql, said, escapes = _skeleton(head[:size])
        scores = dict.fromkeys(DIALECTS, 0)
        for name, weight, pattern, heading in _COMPILED:
            if pattern.search(said if heading else sql):
                scores[name] += weight
        if escapes > 0:
            scores["mysql"] += _ESCAPES
        elif escapes < 0:
            scores["mysql"] -= _ESCAPES
        first, second = sorted(scores.values(), reverse=True)[:2]
        if first >= 12 and first >= 2 * second:
            break
    best = max(DIALECTS, key=lambda name: scores[name])
    if scores[best] <= 0:
        best = "sqlite"
    return best, best == "sqlite" and scores[best] < _SURE


def _skeleton(head: bytes) -> tuple[bytes, bytes, int]:
    """(the SQL without what is none; the same with comments; whether backslashes escape: above 0
    they do, below they are text)."""
    astray = {pattern: _astray(pattern, head) for pattern in (_PLAIN, _ESCAPED)}
    escapes = astray[_PLAIN] - astray[_ESCAPED]
    pattern = _ESCAPED if escapes > 0 else _PLAIN
    if b"\\'" in head and not escapes:
        pattern, escapes = _ESCAPED, 1
    return pattern.sub(_without, head), pattern.sub(_said, head), escapes


def _astray(pattern: re.Pattern[bytes], head: bytes) -> int:
    """How many strings end before a letter, as none does that is read rightly."""
    return sum(
        _WORD.match(head, found.end()) is not None
        for found in pattern.finditer(head)
        if found["s"] is not None
    )


def _without(found: re.Match[bytes]) -> bytes:
    kind = found.lastgroup
    if kind == "d":
        return found[0] if re.fullmatch(rb"[\w\"]++", found[0]) else b'""'
    if kind == "line":
        return b"# " if found[0][:1] == b"#" else b""
    kept = {"s": b"''", "q": b"q'['", "b": b"`", "copy": found[0].partition(b"\n")[0] + b"\n"}
    return kept.get(kind or "", b" ")


def _said(found: re.Match[bytes]) -> bytes:
    return found[0] if found.lastgroup == "line" else _without(found)
