"""Dumps that are as costly as they can be made at their size, by name: `CASES[name](n)` writes one
of about n bytes. Each must be read in time that grows with n, not with its square."""

from __future__ import annotations

from collections.abc import Callable

MYSQL = b"-- MySQL dump 10.13\nCREATE TABLE `t` (`id` int, `body` text);\n"
POSTGRES = b"-- PostgreSQL database dump\nCREATE TABLE t (id integer, body text);\n"
SQLITE = b"PRAGMA foreign_keys=OFF;\nCREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT);\n"
MSSQL = b"SET ANSI_NULLS ON\nGO\nCREATE TABLE [dbo].[t] ([id] int, [body] nvarchar(max))\nGO\n"
ORACLE = b"REM Oracle\nSET DEFINE OFF;\nCREATE TABLE t (id NUMBER, body VARCHAR2(4000));\n"
DB2 = b"--#SET TERMINATOR @\nCONNECT TO SAMPLE@\nCREATE TABLE t (id INTEGER, body CLOB)@\n"
HEADS = {
    "mysql": MYSQL, "postgres": POSTGRES, "sqlite": SQLITE, "mssql": MSSQL, "oracle": ORACLE,
    "db2": DB2,
}  # fmt: skip
_INTO = b"INSERT INTO t VALUES "
_KEPT = _INTO + b"(1,'kept');\n"

Case = Callable[[int], bytes]


def _filled(n: int, piece: bytes, head: bytes = b"", end: bytes = b"") -> bytes:
    """`piece` again and again; %d in it is the number of the turn."""
    if b"%d" not in piece:
        return head + piece * max(1, n // len(piece)) + end
    length = len(piece) + 3
    return head + b"".join([piece.replace(b"%d", b"%d" % i) for i in range(n // length)]) + end


def _of(head: bytes, piece: bytes, before: bytes = b"", end: bytes = b"") -> Case:
    return lambda n: _filled(n, piece, head + before, end)


def _row(head: bytes, piece: bytes, before: bytes = b"(3,", end: bytes = b");\n") -> Case:
    return _of(head + _KEPT, piece, _INTO + before, end + _KEPT)


def _columns(n: int) -> bytes:
    width = n // 12
    names = b",".join(b"c%d int" % i for i in range(width))
    return (
        MYSQL + _KEPT + b"CREATE TABLE w (" + names + b");\nINSERT INTO w VALUES ("
        + b",".join([b"1"] * width) + b");\n" + _KEPT
    )  # fmt: skip


def _listed(n: int) -> bytes:
    width = n // 9
    names = b",".join(b"c%d" % i for i in range(width))
    return (
        MYSQL + _KEPT + b"INSERT INTO w (" + names + b") VALUES (" + b",".join([b"1"] * width)
        + b");\n" + _KEPT
    )  # fmt: skip


def _auto_increment(n: int) -> bytes:
    columns = b",".join(b"c%d int auto_increment" % i for i in range(n // 35))
    values = b",".join([b"NULL"] * (n // 35))
    return MYSQL + b"CREATE TABLE w (" + columns + b");\nINSERT INTO w VALUES (" + values + b");\n"


def _wide(narrow: Case) -> Case:
    return lambda n: b"\xff\xfe" + narrow(n // 2).decode().encode("utf-16-le")


def _nested(opening: bytes, closing: bytes) -> Case:
    def write(n: int) -> bytes:
        deep = n // (len(opening) + len(closing))
        value = opening * deep + b"'x'" + closing * deep
        return MYSQL + _KEPT + _INTO + b"(3," + value + b");\n" + _KEPT

    return write


def _widths(n: int) -> bytes:
    """INSERTs of one more value each."""
    rows, width = [MYSQL], 1
    while n > 0:
        rows.append(b"INSERT INTO w VALUES (" + b",".join([b"1"] * width) + b");\n")
        n -= len(rows[-1])
        width += 1
    return b"".join(rows)


def _wide_then(piece: bytes, head: bytes = MYSQL, columns: int = 2000) -> Case:
    table = b"CREATE TABLE w (" + b",".join(b"c%d int" % i for i in range(columns)) + b");\n"
    return lambda n: _filled(n, piece, head + table)


CASES: dict[str, Case] = {
    # one row
    "parentheses": _nested(b"(", b")"),
    "signs": _row(MYSQL, b"- "),
    "functions": _nested(b"concat(", b")"),
    "casts": _nested(b"CAST(", b" AS char)"),
    "type_parentheses": _row(MYSQL, b"(", b"(3,CAST(1 AS x"),
    "many_casts": _row(POSTGRES, b"::text", b"(3,'x'"),
    "casts_in_parentheses": _row(POSTGRES, b"::a(1)", b"(3,'x'"),
    "joined_strings": _row(POSTGRES, b"||'x'", b"(3,'x'"),
    "adjacent_strings": _row(MYSQL, b" 'x'"),
    "replace_grows": _row(SQLITE, b"replace('aaaaaaaa','a','aaaaaaaaaaaaaaaa')||", end=b"'');\n"),
    "digits_and_a_letter": _row(MYSQL, b"1", end=b"a);\n"),
    "long_number": _row(MYSQL, b"1"),
    "long_hex": _row(MYSQL, b"1", b"(0x"),
    "hex_and_a_letter": _row(MYSQL, b"1", b"(0x", b"g);\n"),
    "long_bits": _row(MYSQL, b"1", b"(0b"),
    "long_word": _row(MYSQL, b"a"),
    "introducers": _row(MYSQL, b"_a "),
    "dots": _row(MYSQL, b"."),
    "double_quotes_doubled": _row(MYSQL, b"''", b"(3,'", b"');\n"),
    "escapes": _row(MYSQL, b"\\q", b"(3,'", b"');\n"),
    "escapes_of_postgres": _row(POSTGRES, b"\\x41", b"(3,E'", b"');\n"),
    "unistr": _row(SQLITE, b"\\u0041", b"(3,unistr('", b"'));\n"),
    "comments_in_a_row": _row(MYSQL, b"/*x*/"),
    "columns": _columns,
    "column_list": _listed,
    "values": _row(MYSQL, b"1,"),
    "widths": _widths,
    "one_wide_name": _row(MYSQL, b"a", b"(3, `", b"`);\n"),
    # what opens and does not close, in a row
    "dollar_tags": _row(POSTGRES, b"$a%d$ "),
    "dollar_pairs": _row(POSTGRES, b"$a%d$ $a%d$ "),
    "dollars": _row(POSTGRES, b"$", b"(3, x"),
    "dollar_long_tag": _row(POSTGRES, b"a", b"(3, $"),
    "q_quotes": _row(ORACLE, b"q'[ "),
    "q_marks": _row(ORACLE, b"q'! "),
    "open_comments": _row(MYSQL, b"/* "),
    "open_comments_postgres": _row(POSTGRES, b"/*"),
    "versioned_in_a_row": _row(MYSQL, b"/*!50000 "),
    "versioned_between_rows": _of(MYSQL, b"/*!99999 x */", _INTO + b"(1,'a') ", b";\n"),
    **{
        f"open_{name}_{dialect}": _row(HEADS[dialect], piece)
        for dialect in HEADS
        for name, piece in (
            ("string", b"x'\\"), ("quoted", b'"'), ("backtick", b"`"), ("bracket", b"["),
            ("national", b"N'a "), ("escaped", b"E'\\'"), ("hex", b"X'a "),
        )
    },
    "open_introducer": _row(MYSQL, b"_utf8'\\'"),
    # statements
    "semicolons": _of(MYSQL, b";"),
    "spaced_semicolons": _of(MYSQL, b" ;\n"),
    "other_terminators": _of(DB2, b"@"),
    "blank_lines": _of(MYSQL, b"\n"),
    "blank_lines_after_semicolon": _of(b"SELECT 1;", b"\n"),
    "line_comments": _of(MYSQL, b"--\n"),
    "one_line_comment": _of(MYSQL, b"-"),
    "hash_comments": _of(MYSQL, b"#\n"),
    "comments": _of(MYSQL, b"/**/"),
    "comments_and_words": _of(MYSQL, b"/**/a;"),
    "open_comments_between": _of(MYSQL, b"/* "),
    "versioned": _of(MYSQL, b"/*!40101 SET a=1 */;\n"),
    "versioned_open": _of(MYSQL, b"/*!"),
    "versioned_not_run": _of(MYSQL, b"/*!99999 "),
    "versioned_inserts": _of(MYSQL, b"INSERT INTO t (id, /*!50705 g, */ body) VALUES (1,2,3);\n"),
    "versioned_heads": _of(MYSQL, b"INSERT INTO t /*! a b */ SELECT 1;\n"),
    "delimiters": _of(MYSQL, b"DELIMITER a%d\n"),
    "delimiters_used": _of(MYSQL, b"DELIMITER a%d\nx a%d\n"),
    "long_delimiter": _of(MYSQL, b"ab", b"DELIMITER "),
    "delimiter_of_quotes": _of(MYSQL, b"\\'", b"DELIMITER '\nSELECT "),
    "delimiter_slashes": _of(MYSQL, b"/*/", b"DELIMITER //\nSELECT "),
    "delimiter_a": _of(MYSQL, b"a", b"DELIMITER aab\nSELECT "),
    "set_word": _of(MYSQL, b"a", b"SET ", b" 1;\n"),
    "set_words": _of(MYSQL, b"a ", b"SET ", b" 1;\n"),
    "set_at": _of(MYSQL, b"@", b"SET ", b" 1;\n"),
    "set_blanks": _of(MYSQL, b" ", b"SET a", b"b;\n"),
    "set_quotes": _of(MYSQL, b"a='", b"SET ", b";\n"),
    "set_names": _of(MYSQL, b"SET NAMES a%d;\n"),
    "set_charsets": _of(MYSQL, b"SET NAMES gbk;SET NAMES sjis;SET NAMES big5;"),
    "set_variables": _of(MYSQL, b"SET @a%d=1;\n"),
    "set_encodings": _of(POSTGRES, b"SET client_encoding = 'a%d';\n"),
    "set_modes": _of(MYSQL, b"SET sql_mode='ansi';INSERT INTO t VALUES (1,'a');SET sql_mode='';"
                     b"INSERT INTO t VALUES (1,'a');"),
    "use": _of(MYSQL, b"USE a%d;\n"),
    "use_and_insert": _of(MYSQL, b"USE a%d;INSERT INTO t VALUES (1,2);\n"),
    "use_long_name": _of(MYSQL, b"a", b"USE ", b";\n" + _KEPT),
    "insert_select": _of(MYSQL, b"a, ", b"INSERT INTO t SELECT ", b" 1;\n" + _KEPT),
    "insert_selects": _of(MYSQL, b"INSERT INTO t SELECT 1;\n"),
    "insert_select_dollars": _of(POSTGRES, b"$a%d$ ", b"INSERT INTO t SELECT ", b";\n"),
    "insert_select_comments": _of(MYSQL, b"/* ", b"INSERT INTO t SELECT ", b";\n"),
    "select_brackets": _of(MSSQL, b"[", b"SELECT ", b";\n"),
    "select_lines": _of(MSSQL, b"\n", b"SELECT ", b"1;\n"),
    "select_blanks": _of(MSSQL, b"\n ", b"SELECT ", b"1;\n"),
    "insert_open_bracket": _of(MYSQL, b"INSERT INTO [t SELECT 1;\n"),
    "insert_open_name": _of(MYSQL, b"INSERT INTO \"t SELECT 1;\n"),
    "insert_open_list": _of(MYSQL, b"a,", b"INSERT INTO t (", b";\n"),
    "insert_open_lists": _of(MYSQL, b"INSERT INTO t ([a;\n"),
    "insert_blanks": _of(MYSQL, b" ", b"INSERT ", b";\n"),
    "insert_words": _of(MYSQL, b"IGNORE ", b"INSERT ", b";\n"),
    "insert_set": _of(MYSQL, b"INSERT INTO t SET id=1, body='x';\n"),
    "insert_set_long": _of(MYSQL, b"a=1,", b"INSERT INTO t SET ", b"b=2;\n"),
    "insert_set_widths": _of(MYSQL, b"INSERT INTO t SET id=1,a%d=2;\n"),
    "insert_defaults": _wide_then(b"INSERT INTO w DEFAULT VALUES;\n", POSTGRES),
    "insert_wide_table": _wide_then(b"INSERT INTO w VALUES (1);\n"),
    "insert_wide_list": _wide_then(b"INSERT INTO w (c1) VALUES (1);\n"),
    "insert_wide_lists": _wide_then(b"INSERT INTO w (c%d) VALUES (1);\n"),
    "insert_wide_select": _wide_then(b"INSERT INTO w SELECT 1;\n"),
    "insert_wide_generated": _wide_then(b"CREATE TABLE g (a int GENERATED ALWAYS AS (1));"
                                        b"INSERT INTO g VALUES (1);\n"),
    "insert_wide_and_create": _wide_then(b"CREATE TABLE x (a int);INSERT INTO w VALUES (1);\n"),
    "insert_wide_in_turns": _wide_then(
        b"INSERT INTO v (c%d) VALUES (1);INSERT INTO w (c%d) VALUES (1);\n",
        MYSQL + b"CREATE TABLE v (" + b",".join(b"c%d int" % i for i in range(2000)) + b");\n",
    ),
    "insert_wide_with_generated": _wide_then(
        b"INSERT INTO t VALUES (1);\n",
        MYSQL.replace(b"`id` int", b"g int GENERATED ALWAYS AS (1), " + b",".join(
            b"d%d int" % i for i in range(2000))),
    ),
    "insert_default_rows": _wide_then(b"INSERT INTO w DEFAULT VALUES;\n", POSTGRES, 500),
    "insert_tables": _of(MYSQL, b"INSERT INTO a%d VALUES (1);\n"),
    "unparsed_rows": _of(MYSQL, _INTO + b"oops;\n"),
    "expressions": _of(MYSQL, b"(now(),1),", _INTO, b"(1,'a');\n"),
    "dotted_name": _of(MYSQL, b"a.", b"INSERT INTO ", b"a VALUES (1);\n"),
    "long_name": _of(MYSQL, b"a", b"INSERT INTO ", b" VALUES (1);\n"),
    "long_quoted_name": _of(MYSQL, b"``", b"INSERT INTO `", b"` VALUES (1);\n"),
    "auto_increment": _auto_increment,
    # CREATE
    "create_parentheses": _of(MYSQL, b"(", b"CREATE TABLE x (a int default ", b");\n" + _KEPT),
    "create_tokens": _of(MYSQL, b"a+", b"CREATE TABLE x (a int check (", b"1));\n" + _KEPT),
    "create_enum": _of(MYSQL, b"'a',", b"CREATE TABLE x (a enum(", b"'b'));\n" + _KEPT),
    "create_default": _of(MYSQL, b"''", b"CREATE TABLE x (a text default '", b"');\n" + _KEPT),
    "create_defaults": _of(MYSQL, b"DEFAULT 'a ", b"CREATE TABLE x (a text ", b");\n"),
    "create_as": _of(MYSQL, b"AS/**/ ", b"CREATE TABLE x (a int ", b");\n"),
    "create_digits": _of(MYSQL, b"1", b"CREATE TABLE x (a bit(", b"));INSERT INTO x VALUES (1);\n"),
    "create_tables": _of(MYSQL, b"CREATE TABLE a%d (a int);\n"),
    "create_inherits": _of(POSTGRES, b"t,", b"CREATE TABLE x () INHERITS (", b"t);\n"),
    "create_children": _wide_then(b"CREATE TABLE a%d () INHERITS (w);\n", POSTGRES, 1500),
    "create_doubling": _of(POSTGRES, b"CREATE TABLE t (a int) INHERITS (t, t);\n"),
    "create_blanks": _of(MYSQL, b" ", b"CREATE ", b"TABLE x (a int);\n"),
    "create_comments": _of(MYSQL, b"/* ", b"CREATE TABLE x (a int ", b");\n"),
    "create_definer": _of(MYSQL, b"a", b"CREATE ", b";\n"),
    "create_temp": _of(MYSQL, b"TEMP ", b"CREATE ", b";\n"),
    "create_dollars": _of(POSTGRES, b"$a%d$ ", b"CREATE TABLE x (a int default ", b");\n"),
    "create_q_quotes": _of(ORACLE, b"q'[ ", b"CREATE TABLE x (a int default ", b");\n"),
    "triggers": _of(SQLITE, b"CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1;\n"),
    "triggers_ended": _of(SQLITE, b"CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END;\n"),
    "trigger_ends": _of(SQLITE, b"END ", b"CREATE TRIGGER x AFTER INSERT ON t BEGIN "),
    "procedures": _of(MSSQL, b"CREATE PROC x AS SELECT 1\n"),
    "packages": _of(ORACLE, b"CREATE PACKAGE x AS y\n"),
    # COPY and lines of tools
    "copy_heads": _of(POSTGRES, b"COPY t FROM stdin;\n\\.\n"),
    "copy_wide_heads": _wide_then(b"COPY w FROM stdin;\n\\.\n", POSTGRES),
    "copy_lookalikes": _of(POSTGRES, b"COPY t (a;\n"),
    "copy_open_lists": _of(POSTGRES, b"COPY t (a FROM x;\n"),
    "copy_options": _of(POSTGRES, b"x ", b"COPY t FROM stdin "),
    "copy_open_options": _of(POSTGRES, b"COPY t FROM stdin WITH NULL 'a;\n"),
    "copy_files": _of(POSTGRES, b"COPY t FROM '/x';\n"),
    "copy_newlines": _of(POSTGRES, b"\\\n", b"COPY t FROM stdin;\nx"),
    "copy_backslashes": _of(POSTGRES, b"\\", b"COPY t FROM stdin;\n", b"\n\\.\n"),
    "copy_backslash_lines": _of(POSTGRES, b"\\\\\\\n", b"COPY t FROM stdin;\n", b"\n\\.\n"),
    "copy_tabs": _of(POSTGRES, b"\t", b"COPY t FROM stdin;\n", b"\n\\.\n"),
    "copy_escaped_tabs": _of(POSTGRES, b"a\\\t", b"COPY t FROM stdin;\n", b"\n\\.\n"),
    "copy_escapes": _of(POSTGRES, b"\\t", b"COPY t FROM stdin;\n1\t", b"\n\\.\n"),
    "copy_digits": _of(POSTGRES, b"1", b"COPY t FROM stdin;\n", b"\tx\n\\.\n"),
    "copy_empty_rows": _of(POSTGRES, b"\n", b"COPY t FROM stdin;\n", b"\\.\n"),
    "copy_no_end": _of(POSTGRES, b"1\tx\n", b"COPY t FROM stdin;\n"),
    "commands": _of(POSTGRES, b"\\x\n"),
    "long_command": _of(POSTGRES, b"x", b"\\"),
    "go": _of(MSSQL, b"GO\n"),
    "slashes": _of(ORACLE, b"/\n"),
    "begins": _of(ORACLE, b"BEGIN "),
    "words": _of(MYSQL, b"a "),
    "binary": _of(b"", b"\xff\xfe\xfd"),
    "wide_text": _wide(_of(MYSQL, b"(1,'a'),", _INTO, b"(1,'b');\n")),
    "wide_comment": _wide(_of(MYSQL, b"x", b"-- ")),
    "wide_string": _wide(_of(MYSQL, b"x", _INTO + b"(1,'", b"');\n")),
    # the head, by which the dialect is found
    "head_at": _of(b"", b"@ "),
    "head_at_lines": _of(b"CONNECT TO S@\n", b"@\n\n"),
    "head_copy": _of(b"", b"COPY ", b"x"),
    "head_inserts": _of(b"INSERT INTO t VALUES(", b"1.1"),
    "head_go": _of(b"GO", b" "),
    "head_escaped_quotes": _of(b"", b"\\'"),
    "head_quotes_and_backslashes": _of(b"", b"'\\"),
    "head_names_and_backslashes": _of(b"", b'"\\'),
    "head_open_comments": _of(b"", b"/* "),
    "head_marks": _of(b"", b"'\\''\"`/*--\n"),
    "head_copy_stdin": _of(b"COPY ", b"STDIN "),
    "head_copies": _of(b"", b"COPY t FROM STDIN\n"),
    "head_words": _of(b"CONNECT TO ", b"a"),
}  # fmt: skip
