"""The settings of the connection that a dump is read with, which its statements change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stages.extract.sqldump.charset import Decoder, decoder, pairs, undeclared
from stages.extract.sqldump.evidence import DIALECTS, HEAD, detect, evidence
from stages.extract.sqldump.lexer import Syntax

__all__ = ["DIALECTS", "HEAD", "Session", "detect"]

# Dumps save a setting in a variable of their own and set it back: SET @old=@@sql_mode, sql_mode=…
_ASSIGNMENT = re.compile(
    rb"(?i)(?<![\w@])(@{0,2}[a-z_]\w*+)\s*+:?=\s*+('[^']*'|\"[^\"]*\"|@{0,2}[\w.]+)"
)
_NLS = re.compile(
    rb"(?is)ALTER\s+SESSION\s+SET\s+NLS_(DATE|TIMESTAMP|TIMESTAMP_TZ)_FORMAT\s*=\s*'([^']*+)'"
)
_NLS_FUNCTIONS = {
    b"DATE": "to_date",
    b"TIMESTAMP": "to_timestamp",
    b"TIMESTAMP_TZ": "to_timestamp_tz",
}
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
    declared: bool = False  # whether the dump, or the user, says which character set it is in
    exact: bool = False  # digits stay as they stand: nothing says that the server is SQLite
    # function → the model of Oracle's that it reads by where it is given none
    date_models: dict[str, str] = field(default_factory=dict)
    zero_is_next: bool = True  # 0 in an AUTO_INCREMENT column means the next number
    _variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, dialect: str | None, head: bytes, given: str | None = None) -> Session:
        """The settings that a connection begins with. dialect: none: found by evidence; given: its
        character set."""
        exact = False
        if dialect is None:
            dialect, exact = evidence(head)
        mysql = dialect == "mysql"
        charset = given or ("utf8mb4" if mysql else "UTF8")
        return cls(
            dialect,
            charset=charset,
            declared=given is not None,
            backslash=mysql,
            quoted_names=not mysql,
            terminator=b"@" if dialect == "db2" and _at_terminated(head) else b";",
            exact=exact,
            mysql_server=mysql and b"-- MySQL dump" in head[:4096],
            _variables={"@@character_set_client": given or "", "@@sql_mode": ""},
        )

    @property
    def syntax(self) -> Syntax:
        """How strings and names are cut."""
        charset = self.charset if pairs(self.charset) is not None else ""
        return Syntax(self.dialect, self.backslash, self.quoted_names, charset)

    @property
    def decode(self) -> Decoder | None:
        """How the file's text is decoded; None for a character set that is not known."""
        if not self.declared:
            return undeclared
        return decoder(self.charset, self.dialect != "mysql")

    def runs(self, version: int | None) -> bool:
        """Whether a comment /*!NNNNN … */ is executed."""
        if version is None or version < 50700:
            return True
        if version >= 500000:  # no server's: what MariaDB's tools say to its client
            return False
        return self.mysql_server if version <= 99999 else not self.mysql_server

    def alter(self, text: bytes) -> None:
        """Take in an ALTER SESSION statement: how Oracle reads dates."""
        match = _NLS.match(text)
        if match is not None:
            named = _NLS_FUNCTIONS[match[1].upper()]
            self.date_models[named] = match[2][:_VALUE].decode("utf-8", "replace")

    def set(self, text: bytes) -> None:
        """Take in a SET statement."""
        if self.dialect == "mysql":
            self._set_mysql(text)
        elif self.dialect == "postgres":
            match = re.search(rb"(?i)client_encoding\s*(?:=|TO)\s*'?([\w-]+)", text)
            if match or (match := re.search(rb"(?i)\bNAMES\s+'?([\w-]+)", text)):
                self.charset, self.declared = match[1][:_VALUE].decode().upper(), True
            match = re.search(rb"(?i)standard_conforming_strings\s*(?:=|TO)\s*'?(\w+)", text)
            if match:
                self.backslash = match[1].lower() in (b"off", b"false", b"0")

    def _set_mysql(self, text: bytes) -> None:
        match = re.search(rb"(?i)\bNAMES\s+['\"]?(\w+)", text)
        if match and match[1].lower() != b"default":
            self.charset, self.declared = match[1][:_VALUE].decode().lower(), True
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
                # what is set back to before a dump said anything is nothing again
                self._variables["@@character_set_client"] = value[:_VALUE]
                self.charset, self.declared = value[:_VALUE] or "utf8mb4", bool(value)
            elif name.startswith("@") and len(self._variables) < _VARIABLES:
                self._variables[name[:_VALUE]] = value[:_VALUE]


def _at_terminated(head: bytes) -> bool:
    return len(re.findall(rb"@\s*$", head, re.MULTILINE)) > len(
        re.findall(rb";\s*$", head.partition(b"--#SET TERMINATOR")[0], re.MULTILINE)
    )
