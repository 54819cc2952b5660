"""Statistics first: what is measured, what each limit drops, and what must survive."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.quality import QualityFilter, measured, words_of

RUNNING = " ".join(f"word{number} of a text that runs on" for number in range(12)) + "."


def run(stage: QualityFilter, text: str) -> tuple[list[Any], list[Any]]:
    rejects: list[dict[str, Any]] = []
    return stage([{"prompt": "x", "completion": text}], rejects), rejects


@pytest.mark.parametrize(
    ("stage", "text", "reason"),
    [
        (QualityFilter(), " ", "too_short"),
        (QualityFilter(min_words=5), "only four words here", "too_short"),
        (QualityFilter(max_words=50), RUNNING, "too_long"),
        (QualityFilter(), "QUJD" * 60, "long_words"),
        (QualityFilter(), "~ 1 … ~ 2 … ! ? ~ " * 20, "no_letters"),
        (QualityFilter(), "ab -- == ++ " * 10, "symbols"),
        (QualityFilter(), (RUNNING + "\n") * 3, "duplicate_lines"),
        (QualityFilter(), "I do not " * 12 + " ".join(f"w{n}" for n in range(40)), "repetitive"),
        (QualityFilter(), "Yes I know that you know what she saw there now " * 90, "compressible"),
        (QualityFilter(), "b\ufffd\ufffdd bytes", "unreadable"),
        (QualityFilter(complete=True), RUNNING[:-1] + " and the", "unfinished"),
    ],
)
def test_each_limit_has_its_reason_and_measure(
    stage: QualityFilter, text: str, reason: str
) -> None:
    kept, [reject] = run(stage, text)
    evidence = json.loads(reject["evidence"])
    assert kept == [] and reject["reason"] == reason
    assert evidence["score"] != evidence["limit"]


@pytest.mark.parametrize(
    "text",
    [
        "42",
        "Paris.",
        "O(n²)",
        "北京是中国的首都，有两千多万人口。" * 2,
        "for (int i = 0; i < n; ++i) { a[i] = b[i] * (c[i] + d[i]); }\n" * 2
        + "while (x > 0) { x -= step(x, y); }",
        "SELECT a.id, b.name FROM a JOIN b ON a.id = b.a_id WHERE b.x > 3 AND b.y IN (1, 2, 3);",
        "https://example.org/a/rather/long/path/to/an/answer.html",
        "| a | b |\n|---|---|\n| one | two |\n| three | four |",
        "क्या आप हिन्दी में लिख सकते हैं? हाँ, बिल्कुल।",
        "ประเทศไทยมีเมืองหลวงคือกรุงเทพมหานคร",
    ],
)
def test_short_answers_code_and_other_scripts_pass(text: str) -> None:
    kept, rejects = run(QualityFilter(), text)
    assert rejects == [] and 0 <= kept[0]["quality"] <= 1


def test_what_is_measured() -> None:
    found = measured("One two 34!\nOne two 34!\n")
    assert (found.words, found.longest_word, found.ended) == (6, 3, True)
    assert found.letters == pytest.approx(12 / 18) and found.digits == pytest.approx(4 / 18)
    assert found.symbols == pytest.approx(2 / 18) and found.duplicate_lines == 0.5
    assert words_of("中文 and 日本") == ["中", "文", "and", "日", "本"]
    assert not measured("it stops in the").ended


def test_ascii_and_other_text_are_measured_alike() -> None:
    plain, other = measured(RUNNING), measured(RUNNING + " \u00e9")
    assert other.words == plain.words + 1
    assert other.letters == pytest.approx(plain.letters, abs=0.01)


def test_tag_writes_columns_and_drops_nothing() -> None:
    kept, rejects = run(QualityFilter(action="tag"), "b\ufffd\ufffdd bytes")
    assert rejects == [] and kept[0]["quality"] == 0
    assert kept[0]["statistics"]["words"] == 2


def test_the_target_is_the_output_or_the_plain_text() -> None:
    rows = [
        {"text": "plain " * 3},
        {"prompt": "only a question"},
        {"messages": [{"role": "user", "content": "a b c"}, {"role": "assistant", "content": "d"}]},
    ]
    kept = QualityFilter(action="tag")(rows)
    assert [row.get("statistics", {}).get("words") for row in kept] == [3, None, 1]


def test_the_length_of_a_text_is_no_measure_of_its_quality() -> None:
    text = "Four words are here."
    scores = [
        run(QualityFilter(action="tag", min_words=least, max_words=most), text)[0][0]["quality"]
        for least, most in ((0, 4), (1, 100), (9, 100), (0, 3))
    ]
    assert len(set(scores)) == 1 and scores[0] > 0.9


def test_limits_that_exclude_each_other_are_said() -> None:
    assert QualityFilter(min_words=9, max_words=3).contradictions()
    assert not QualityFilter().contradictions()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_shares_are_shares(text: str) -> None:
    found = measured(text)
    for share in (found.letters, found.digits, found.symbols, found.duplicate_lines):
        assert 0 <= share <= 1.000001
    assert found.words >= bool(text.strip())
