"""Which server a dump was written for, by evidence in its first bytes; and the settings that its
statements change as they go (Session)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stages.extract.sqldump.charset import Decoder, decoder, pairs
from stages.extract.sqldump.lexer import Syntax

DIALECTS = ("mysql", "postgres", "sqlite", "mssql", "oracle", "db2")
HEAD = 1 << 18

# (dialect, weight, pattern): what only that server's tools or its people write. A tool's own
# heading decides alone; the small ones must add up.
_EVIDENCE: tuple[tuple[str, int, bytes], ...] = (
    ("mysql", 50, rb"^-- (?:MySQL|MariaDB) dump |^/\*M!999999|^-- phpMyAdmin SQL Dump"),
    ("mysql", 4, rb"/\*!\d{5} "),
    ("mysql", 3, rb"(?i)\bENGINE\s*=\s*\w|\bAUTO_INCREMENT\b|^SET NAMES\b|^DELIMITER "),
    ("mysql", 4, rb"(?i)(?:INSERT INTO|TABLE|EXISTS|REPLACE INTO) `"),
    ("mysql", 3, rb"^# "),
    ("mysql", 2, rb"(?i)^(?:LOCK|UNLOCK) TABLES|^REPLACE INTO|^INSERT IGNORE"),
    ("mysql", 1, rb"\\'"),
    ("postgres", 50, rb"^-- PostgreSQL database (?:cluster )?dump"),
    ("postgres", 6, rb"(?i)^COPY [^\n]* FROM stdin|pg_catalog\.|^SET client_encoding"),
    ("postgres", 4, rb"(?i)^SET standard_conforming_strings|^SET search_path|^\\(?:c|connect)\b"),
    ("postgres", 3, rb"(?i)\bcharacter varying|\btimestamp with(?:out)? time zone|\bbytea\b|::\w"),
    ("postgres", 2, rb"(?i)\bserial\b|\bnextval\(|\$\$|\bALTER TABLE ONLY\b"),
    ("sqlite", 20, rb"(?i)^PRAGMA foreign_keys|^PRAGMA \w+"),
    ("sqlite", 8, rb"(?i)\bsqlite_sequence\b|\bsqlite_schema\b|\bsqlite_master\b|unistr\('"),
    ("sqlite", 5, rb"(?i)\bAUTOINCREMENT\b|,char\(10\)\)"),
    ("sqlite", 3, rb"(?i)^BEGIN TRANSACTION;"),
    ("sqlite", 6, rb"^INSERT INTO (?:\w+|\"\w+\") VALUES\("),
    ("sqlite", 3, rb"^INSERT INTO (?:\w+|\"\w+\") VALUES\([^\n]*\d\.\d{16,}"),
    ("mssql", 8, rb"(?im)^GO\s*$"),
    ("mssql", 6, rb"\[dbo\]\.|(?i:SET IDENTITY_INSERT)|(?i:SET ANSI_NULLS)"),
    ("mssql", 2, rb"(?i)\bnvarchar\b|\bIDENTITY\s*\(|TABLE \["),
    ("oracle", 8, rb"(?i)\bvarchar2\b|^SET DEFINE|\bHEXTORAW\(|\bto_(?:date|timestamp)\("),
    ("oracle", 8, rb"(?im)^REM |^PROMPT |\bFROM dual\b|^INSERT ALL\b|[^\w]q'\["),
    ("oracle", 3, rb"(?im)^/\s*$|\bNUMBER\b|\bCLOB\b"),
    ("db2", 20, rb"(?i)^--#SET TERMINATOR|^CONNECT TO \w+\s*[@;]|;[^\S\n]*+\n\s*+CONNECT RESET"),
    ("db2", 6, rb"(?i)\bDb2\b|\bBLOB\(X'"),
    ("db2", 3, rb"(?im)@\s*$"),
)  # fmt: skip
_COMPILED = [(name, weight, re.compile(text, re.MULTILINE)) for name, weight, text in _EVIDENCE]


def detect(head: bytes) -> str:
    """The dialect that the first bytes of a file speak for; more of them where few words decide."""
    for size in (1 << 12, 1 << 15, HEAD):
        scores = dict.fromkeys(DIALECTS, 0)
        for name, weight, pattern in _COMPILED:
            if pattern.search(head, 0, size):
                scores[name] += weight
        first, second = sorted(scores.values(), reverse=True)[:2]
        if first >= 12 and first >= 2 * second:
            break
    best = max(DIALECTS, key=lambda name: scores[name])
    return best if scores[best] else "sqlite" if b"\\'" not in head else "mysql"


# Dumps save a setting in a variable of their own and set it back: SET @old=@@sql_mode, sql_mode=…
_ASSIGNMENT = re.compile(
    rb"(?i)(?<![\w@])(@{0,2}[a-z_]\w*+)\s*+:?=\s*+('[^']*'|\"[^\"]*\"|@{0,2}[\w.]+)"
)
# Dumps have some ten variables of short values.
_VARIABLES, _VALUE = 1000, 1000


@dataclass
class Session:
    """The settings of the connection that the dump's statements would have."""

    dialect: str
    charset: str = ""
    backslash: bool = False
    quoted_names: bool = True
    terminator: bytes = b";"
    database: str | None = None
    mysql_server: bool = False  # MySQL itself, which runs /*!50700 to /*!80xxx comments
    zero_is_next: bool = True  # 0 in an AUTO_INCREMENT column means the next number
    _variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, dialect: str, head: bytes, given: str | None = None) -> Session:
        """The settings that a connection begins with; given: its character set."""
        mysql = dialect == "mysql"
        charset = given or ("utf8mb4" if mysql else "UTF8")
        return cls(
            dialect,
            charset=charset,
            backslash=mysql,
            quoted_names=not mysql,
            terminator=b"@" if dialect == "db2" and _at_terminated(head) else b";",
            mysql_server=mysql and b"-- MySQL dump" in head[:4096],
            _variables={"@@character_set_client": charset, "@@sql_mode": ""},
        )

    @property
    def syntax(self) -> Syntax:
        """How strings and names are cut."""
        charset = self.charset if pairs(self.charset) is not None else ""
        return Syntax(self.dialect, self.backslash, self.quoted_names, charset)

    @property
    def decode(self) -> Decoder | None:
        """How the file's text is decoded; None for a character set that is not known."""
        return decoder(self.charset, self.dialect != "mysql")

    def runs(self, version: int | None) -> bool:
        """Whether a comment /*!NNNNN … */ is executed."""
        if version is None or version < 50700:
            return True
        if version >= 500000:  # no server's: what MariaDB's tools say to its client
            return False
        return self.mysql_server if version <= 99999 else not self.mysql_server

    def set(self, text: bytes) -> None:
        """Take in a SET statement."""
        if self.dialect == "mysql":
            self._set_mysql(text)
        elif self.dialect == "postgres":
            match = re.search(rb"(?i)client_encoding\s*(?:=|TO)\s*'?([\w-]+)", text)
            if match or (match := re.search(rb"(?i)\bNAMES\s+'?([\w-]+)", text)):
                self.charset = match[1][:_VALUE].decode().upper()
            match = re.search(rb"(?i)standard_conforming_strings\s*(?:=|TO)\s*'?(\w+)", text)
            if match:
                self.backslash = match[1].lower() in (b"off", b"false", b"0")

    def _set_mysql(self, text: bytes) -> None:
        match = re.search(rb"(?i)\bNAMES\s+['\"]?(\w+)", text)
        if match and match[1].lower() != b"default":
            self.charset = match[1][:_VALUE].decode().lower()
            self._variables["@@character_set_client"] = self.charset
        for match in _ASSIGNMENT.finditer(text):
            name = match[1].decode("latin-1").lower()
            value = match[2].decode("latin-1").strip("'\"").lower()
            if value.startswith("@"):
                known = self._variables.get(value.replace("@@global.", "@@"))
                if known is None:
                    continue
                value = known
            if name in ("sql_mode", "@@sql_mode"):
                self._variables["@@sql_mode"] = value
                self.backslash = "no_backslash_escapes" not in value
                self.quoted_names = "ansi" in value
                self.zero_is_next = "no_auto_value_on_zero" not in value
            elif name in ("character_set_client", "@@character_set_client"):
                self.charset = self._variables["@@character_set_client"] = value[:_VALUE]
            elif name.startswith("@") and len(self._variables) < _VARIABLES:
                self._variables[name[:_VALUE]] = value[:_VALUE]


def _at_terminated(head: bytes) -> bool:
    return len(re.findall(rb"@\s*$", head, re.MULTILINE)) > len(
        re.findall(rb";\s*$", head.partition(b"--#SET TERMINATOR")[0], re.MULTILINE)
    )
