"""SECURITY.md says the numbers that the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.recipe import yaml
from stages import check
from stages.extract import xml_events
from stages.extract.chat import conversation
from stages.extract.document import front, pdf, word
from stages.extract.documents import DocumentExtract
from stages.extract.html import HtmlExtract
from stages.extract.jsonl import JsonlExtract
from stages.extract.jsontext import json_values, lines
from stages.extract.packed import compressed, streams
from stages.extract.spreadsheet import bounds, workbook
from stages.extract.sql import SqlExtract
from stages.extract.sqldump import insert
from stages.extract.webpage import limits
from stages.extract.xmldump import mediawiki, wordpress
from stages.sql_text import FORMATTED_CHARS
from stages.tokens import foreign, template

PAGE = (Path(__file__).resolve().parent.parent / "SECURITY.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| [^|]+ \|$", PAGE, re.MULTILINE))
MB, GB = 1 << 20, 1 << 30
SOURCE = JsonlExtract()
SQL = SqlExtract()
PACKED = streams.Limits()
CODE: dict[str, list[float]] = {
    "CPU seconds without a next record, in the reading child": [SOURCE.deadline],
    "memory of the reading child": [SOURCE.memory],
    "a page": [HtmlExtract().max_bytes / MB],
    "a page's levels, tags, attributes of a tag": [limits.DEPTH, limits.TAGS, limits.ATTRIBUTES],
    "a line of JSON or CSV": [lines.LINE_BYTES / MB],
    "a JSON value: levels, values": [json_values.DEPTH, json_values.VALUES],
    "a workbook: cells from the first to the last filled one, of all sheets": [bounds.CELLS],
    "a workbook: bytes, bytes of all that is packed in it": [
        workbook.BYTES / GB,
        bounds.BYTES / GB,
    ],
    "a document": [DocumentExtract().max_bytes / MB],
    "a PDF file's characters": [pdf.CHARACTERS],
    "a Word document's part in XML": [word.PART / MB],
    "levels of XML": [xml_events.DEEPEST],
    "a page or post of a dump in XML: characters": [mediawiki.PAGE],
    "a conversation of a chat: messages": [conversation.MESSAGES],
    "front matter: bytes, levels, values": [front.BYTES / 1024, front.DEEPEST, front.VALUES],
    "a statement that is laid out: characters": [FORMATTED_CHARS],
    "a row of a dump": [SQL.row_limit / MB],
    "columns of a row of a dump": [insert.WIDTH],
    "memory of a query over a dump": [SQL.query_memory],
    "members of an archive": [PACKED.members],
    "bytes out for each packed byte, from 64 MB on": [PACKED.ratio],
    "memory of a decompressor": [compressed.MEMORY / MB],
    "a recipe: size, values, levels": [yaml.MOST_BYTES / MB, yaml.MOST_NODES, yaml.MOST_DEPTH],
    "a chat template: characters": [template.SOURCE],
    "a rendering: work, CPU seconds, memory": [
        template.WORK,
        template.SECONDS,
        template.MEMORY / MB,
    ],
    "a tokenizer's file": [foreign.OBJECT_BYTES / MB],
    "a tokenizer: times that a text grows, characters of a token": [
        foreign.GROWTH,
        foreign.TOKEN_CHARACTERS,
    ],
    "a tokenizer: CPU seconds of a call": [foreign.SECONDS],
    "the name of a recipe or source": [check.NAME_BYTES],
}


def test_every_limit_of_the_page_is_compared() -> None:
    assert {*ROWS} - {"what", "---"} == {*CODE}


@pytest.mark.parametrize("what", CODE)
def test_a_limit_is_the_codes(what: str) -> None:
    told = [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?<!,)", ROWS[what])]
    assert told == CODE[what]


def test_posts_have_the_limit_of_pages() -> None:
    assert wordpress.POST == mediawiki.PAGE


def test_the_floor_below_which_a_ratio_says_nothing() -> None:
    assert streams.RATIO_FLOOR == 64 * MB
