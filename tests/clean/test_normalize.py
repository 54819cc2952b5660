"""Normal form: what is changed, what is left alone, and that twice is once."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.code_spans import inline
from stages.clean.composition import composed
from stages.clean.normalize import Normalize, repaired
from stages.records import to_table


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("e\u0301t\u00e9", "\u00e9t\u00e9"),
        ("zero\u200b width\ufeff and \u00adsoft", "zero width and soft"),
        ("a\u00a0b\u2009c", "a b c"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("line  \n\n\n\n\nend \n", "line\n\nend"),
        ("  only line", "only line"),
        ("R&amp;B and D&amp;amp;D, it&#39;s", "R&B and D&D, it's"),
        ("caf\u00c3\u00a9 \u00e2\u20ac\u0153here\u00e2\u20ac\x9d", "caf\u00e9 \u201chere\u201d"),
        ("it\x92s 5 \x80", "it\u2019s 5 \u20ac"),
        ("won \u00c2\u00a360,000", "won \u00a360,000"),
    ],
)
def test_leftovers_go(text: str, normal: str) -> None:
    assert Normalize().text(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    if x:\n        return 1\n\n    return 2",
        "```html\n&amp; e\u0301  \n\n\n\n```",
        "Write `&lt;` for a bracket.",
        "In HTML, &amp; stands for the ampersand.",
        "int *p = &value;\nreturn *p;\nprintf(x);",
        "\u201cvoil\u00e0\u201d, d\u00e9j\u00e0 vu, S\u00c3O, \u00c0 la carte",
        'un "caf\u00e9\u201d\u2026 noir',
        "\u4e2d\u6587\u3000\u5168\u89d2",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "&notanentityname; stays",
        "a  b   c",
    ],
)
def test_what_is_meant_stays(text: str) -> None:
    assert Normalize().text(text) == text


def test_parameters_switch_the_rules() -> None:
    assert Normalize(form="NFKC").text("\ufb01x\u00b2") == "fix2"
    assert Normalize(form="none").text("e\u0301") == "e\u0301"
    assert Normalize(entities=False).text("R&amp;B") == "R&amp;B"
    assert Normalize(mojibake=False).text("caf\u00c3\u00a9") == "caf\u00c3\u00a9"
    assert Normalize(blank_lines=0).text("a\n\n\nb") == "a\nb"
    assert Normalize(blank_lines=2).text("a\n\n\n\n\nb") == "a\n\n\nb"


def run(stage: Normalize, record: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    rejects: list[dict[str, Any]] = []
    return stage([record], rejects), rejects


def test_an_output_of_which_nothing_is_left_is_dropped_with_its_field() -> None:
    kept, [reject] = run(Normalize(), {"prompt": "x", "completion": "\u200b \n"})
    assert kept == [] and reject["reason"] == "empty"
    assert json.loads(reject["evidence"])["field"] == "completion"


def test_an_empty_question_and_a_tool_call_are_no_empty_records() -> None:
    call = {"role": "assistant", "content": "", "tool_calls": [{"name": "clock"}]}
    for record in (
        {"prompt": "\u200b", "completion": "An answer."},
        {"messages": [{"role": "user", "content": "Time?"}, call]},
        {"messages": [{"role": "user", "content": "Time?"}, {**call, "tool_calls": [{"id": 7}]}]},
        {"prompt": "A question alone."},
    ):
        assert run(Normalize(), record)[1] == []


def test_a_view_leaves_the_other_texts_alone() -> None:
    kept, _ = run(Normalize(on="output"), {"prompt": "a \n", "completion": "b \n"})
    assert (kept[0]["prompt"], kept[0]["completion"]) == ("a \n", "b")


def test_rows_without_the_view_are_inapplicable_and_stay() -> None:
    rows = [{"id": "1", "text": "a  \n"}, {"id": "2", "prompt": "q  \n", "completion": "b  \n"}]
    made = Normalize(on="output").split(to_table(rows))
    assert (made.counts.kept, made.counts.inapplicable, made.counts.changed) == (2, 1, 1)
    assert made.kept.column("text").to_pylist() == ["a  \n", None]
    assert made.kept.column("prompt").to_pylist() == [None, "q  \n"]
    assert made.kept.column("completion").to_pylist() == [None, "b"]


PIECES = [
    "a", " ", "\n", "\t", "`", "```", "~~~", "&amp;", "&", "amp;", "&#96;", "lt;", "\u00c3",
    "\u00a9", "\u00e2", "\u20ac", "\u0153", "e\u0301", "\u0301", "\u200b", "\u200d", "\r", "\x85",
    "\u2028", "<p>", "\u00ad", "\u00a0", "\u4e2d", "{\n", ";\n",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_twice_is_once(text: str) -> None:
    for stage in (Normalize(), Normalize(form="NFKC", blank_lines=0)):
        once = stage.text(text)
        assert stage.text(once) == once


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="caf\u00e9\u00fc\u00f1\u2019\u201c\u20ac ", min_size=1, max_size=30))
def test_a_misread_line_is_read_back(text: str) -> None:
    misread = "".join(
        bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode()
    )
    assert repaired(misread) == text


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="e\u0301\u0316\u0f73\u0334\u00e9\U0001d165", max_size=120))
def test_many_marks_are_composed_as_the_standard_says(text: str) -> None:
    assert composed("NFC", text) == unicodedata.normalize("NFC", text)
    assert composed("NFKC", text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize(
    ("text", "spans"),
    [("a `b` c", ["`b`"]), ("```a` b", ["`a`"]), ("`a\nb`", []), ("``a`b``", ["``a`b``"])],
)
def test_a_run_of_ticks_is_closed_by_its_like_on_its_line(text: str, spans: list[str]) -> None:
    assert [text[begin:end] for begin, end in inline(text)] == spans
