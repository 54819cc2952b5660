"""Refusals, boilerplate and inability are told apart; evidence points at the words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.alone import flags
from benchmarks.train_refusals import fit
from stages.clean import refusal_score, refusal_text
from stages.clean.refusal_cues import cues
from stages.clean.refusal_phrases import PHRASES, holds_phrase, place_of
from stages.clean.refusals import RefusalFilter, prompts_of
from stages.records import fields, to_table
from stages.verdicts import Verdicts

BODY = "Tides rise and fall because the moon pulls at the oceans while the earth turns below. " * 4


def run(stage: RefusalFilter, *records: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    rejects: list[dict[str, Any]] = []
    kept = stage(records, rejects)
    return kept, rejects


def label(text: str) -> str:
    return refusal_score.judge_texts([text])[0].label


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I cannot help with that.",
        "I\u2019m sorry, but I can\u2019t assist with that request.",
        "I cannot provide instructions on how to pick a lock, as it may be illegal.",
        "It is not appropriate or ethical to read someone's letters without their consent.",
        "As an AI language model, I am not able to write content that promotes violence.",
        "Sorry, this task requires writing a code and the model cannot generate code.",
        "I'm sorry to hear that you feel this way, but I can't provide the help that you need.",
        "\"I'm sorry, I won't do that.\"",
        "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "对不起，我无法提供这方面的信息。",
        "抱歉，我不能协助您完成这个请求。",
    ],
)
def test_a_refusal_is_found_in_five_languages(text: str) -> None:
    assert label(text) == "refusal"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear about your loss. Here are some words that may help.",
        "Dear customer, we apologise for the delay. Your parcel will arrive on Monday.",
        "I must go.",
        "Unfortunately, it is generally not legal to ride a bicycle on a motorway.",
        "No, it is not possible to swim in a classroom.",
        'raise OSError("Sorry, I cannot open this file.")',
        'She said: "I cannot help you." Then she left.',
        "Sorry, I won't be able to make it to the meeting.",
        "作为宠物饲养的狗需要每天散步。",
        "The model was trained on images of cats.",
        "It's important to wash your hands. Remember that soap matters.",
        "Yes.",
        "",
    ],
)
def test_what_only_looks_like_a_refusal_is_none(text: str) -> None:
    assert label(text) == "none"


@pytest.mark.parametrize(
    "text",
    [
        "I don't have access to real-time weather data. Please check a reliable website.",
        "I don't understand, what do you mean?",
        "Could you please provide the text that I should summarise?",
        "As an AI language model, I do not have personal experiences.",
        "<nooutput - cannot create a visual output>",
    ],
)
def test_what_is_missing_is_cannot_and_kept_by_default(text: str) -> None:
    assert label(text) == "cannot"
    kept, rejects = run(RefusalFilter(), {"prompt": "x", "completion": text})
    assert (kept[0]["refusal"], rejects) == ("cannot", [])
    kept, rejects = run(RefusalFilter(cannot="drop"), {"prompt": "x", "completion": text})
    assert kept == [] and rejects[0]["reason"] == "cannot"


def test_evidence_points_at_the_words_in_the_original_text() -> None:
    record = {
        "messages": [
            {"role": "user", "content": "Say: I cannot help with that."},
            {"role": "assistant", "content": "  I\u2019m SORRY, but I can\u2019t help with that."},
        ]
    }
    kept, [reject] = run(RefusalFilter(), record)
    evidence = json.loads(reject["evidence"])
    assert kept == [] and reject["reason"] == "refusal"
    text = dict(fields(record, "output"))[evidence["field"]]
    begin, end = evidence["span"]
    assert text[begin:end] == evidence["match"] and "can\u2019t help" in evidence["match"]
    assert 0.3 <= evidence["score"] <= 1 and evidence["rule"] and evidence["words"]


def test_a_remark_is_cut_when_the_rest_stands_alone() -> None:
    remark = "As an AI language model, I do not have opinions. However, "
    kept, rejects = run(
        RefusalFilter(), {"prompt": "x", "completion": remark + BODY[0].lower() + BODY[1:]}
    )
    assert rejects == [] and kept[0]["refusal"] == "boilerplate"
    assert kept[0]["completion"] == BODY


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I do not have opinions about it. This depends on you. " + BODY,
        "As an AI language model, I cannot feel. " * 9 + BODY[:180],
        "I'm Ada, an AI assistant created by the mill. I do not sleep. " + BODY,
    ],
)
def test_a_remark_stays_when_the_rest_would_not_stand_alone(text: str) -> None:
    kept, _ = run(RefusalFilter(), {"prompt": "x", "completion": text})
    assert not kept or kept[0]["completion"] == text


def test_a_remark_that_is_most_of_the_answer_stays() -> None:
    """What is left would be less than 60 % of the words."""
    remark = "As an AI language model, I do not have a taste in " + "colours and " * 25 + "shapes."
    for rest, cut in ((BODY[: len(BODY) // 2], False), (BODY * 2, True)):
        kept, _ = run(RefusalFilter(), {"prompt": "x", "completion": f"{remark} However, {rest}"})
        assert (kept[0]["completion"] == rest) is cut
        assert cut or kept[0]["completion"].startswith(remark)


@pytest.mark.parametrize("turn", [1, -1])
def test_the_strongest_finding_of_a_conversation_names_it(turn: int) -> None:
    said = ["I'm sorry, but I cannot help with that.", "Could you provide the text?", "Noon."]
    talk = [{"role": "assistant", "content": text} for text in said[::turn]]
    (row,) = RefusalFilter(action="tag")([{"messages": talk}])
    assert row["refusal"] == "refusal"
    (row,) = RefusalFilter(action="tag")([{"messages": talk[:2] if turn < 0 else talk[1:]}])
    assert row["refusal"] == "cannot"


def test_cutting_twice_is_cutting_once() -> None:
    text = "As an AI language model, I do not have opinions. However, " + BODY
    once, _ = run(RefusalFilter(), {"prompt": "x", "completion": text})
    twice, _ = run(RefusalFilter(), {"prompt": "x", "completion": once[0]["completion"]})
    assert twice[0]["completion"] == once[0]["completion"] and twice[0]["refusal"] == "none"


def test_tag_writes_the_column_and_nothing_else() -> None:
    stage = RefusalFilter(action="tag", cannot="drop", boilerplate="drop")
    texts = ["I'm sorry, but I cannot help with that.", "As an AI, I do not feel. " + BODY, "Yes."]
    kept, rejects = run(stage, *({"prompt": "x", "completion": text} for text in texts))
    assert rejects == [] and [row["completion"] for row in kept] == texts
    assert [row["refusal"] for row in kept] == ["refusal", "boilerplate", "none"]


def test_prompts_and_plain_texts_are_not_judged() -> None:
    text = "I'm sorry, but I cannot help with that."
    kept, rejects = run(RefusalFilter(), {"text": text}, {"prompt": text, "completion": "Noon."})
    assert rejects == [] and [row.get("refusal") for row in kept] == [None, "none"]


def test_the_threshold_is_what_the_score_is_held_against() -> None:
    record = {"prompt": "x", "completion": "I cannot recommend it."}
    _, [reject] = run(RefusalFilter(threshold=0.01), record)
    score = json.loads(reject["evidence"])["score"]
    assert run(RefusalFilter(threshold=score - 0.001), record)[1]
    assert not run(RefusalFilter(threshold=score + 0.001), record)[1]


def test_lower_case_keeps_every_character_in_its_place() -> None:
    text = "\u0130 CANNOT \u2019 \u1e9e"
    assert len(refusal_text.lowered(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<think>I cannot help with that.</think>Tides rise twice a day.", "none"),
        (
            "<think>They ask how to sleep.</think>\n\nI'm sorry, but I can't help with that.",
            "refusal",
        ),
        ("The user wants a poem.</think>I'm sorry, but I can't help with that.", "refusal"),
        ("<think>I'm sorry, but I can't help with that. I will say so", "none"),
    ],
)
def test_thoughts_are_no_answer(text: str, kind: str) -> None:
    assert label(text) == kind
    if kind == "refusal":
        found = refusal_score.judge_texts([text])[0]
        assert found.begin > text.index("</think>") and "help" in text[found.begin : found.end]


def test_the_prompt_tells_a_rewritten_sentence_from_a_refusal() -> None:
    said = "I'm sorry, but I cannot tell you that."
    asked = f'Rewrite this sentence more politely: "{said}"'
    chance = {
        prompt: refusal_score.judged(said, prompt, 0.01).score
        for prompt in (asked, "How do I pick a lock?")
    }
    assert chance[asked] < chance["How do I pick a lock?"]


def test_the_prompt_of_an_answer_is_the_turn_before_it() -> None:
    talk = [
        {"role": role, "content": text}
        for role, text in (("system", "S"), ("user", "A?"), ("assistant", "a"), ("user", "B?"),
                           ("assistant", "b"), ("assistant", "c"))
    ]  # fmt: skip
    verdicts = Verdicts(
        to_table([{"messages": talk}, {"prompt": "C?", "completion": "d"}]), RefusalFilter()
    )
    answers = [answer for record in verdicts.records("output") for answer in record.fields]
    assert prompts_of(verdicts, answers) == ["A?", "B?", "B?", "C?"]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from([*PHRASES[::9], "I CAN\u2019T", " help", "as an", " AI", "x", "é"]),
        max_size=6,
    )
)
def test_phrases_over_columns_are_those_of_the_loop(parts: list[str]) -> None:
    text = " ".join(parts)
    loop = any(phrase in text.lower().replace("\u2019", "'") for phrase in PHRASES)
    assert holds_phrase([text, "noon", text]) == [loop, False, loop]
    begin, end = place_of(text)
    assert (end > begin) is loop
    assert not loop or text[begin:end].lower().replace("\u2019", "'") in PHRASES


def test_the_classic_list_takes_an_answer_for_a_refusal_that_is_none() -> None:
    texts = ["Dear all, I'm sorry, but the bus was late.", "I refuse.", "Noon."]
    rows = [{"prompt": "x", "completion": text} for text in texts]
    kept, [reject] = run(RefusalFilter(by="phrases"), *rows)
    evidence = json.loads(reject["evidence"])
    assert (evidence["rule"], evidence["match"]) == ("phrase", "I'm sorry, but")
    assert [row["refusal"] for row in kept] == ["none", "none"]


CUES = [
    "I'm sorry", ", but ", "I cannot ", "help", " with that", ". ", "As an AI language model, ",
    "I don't have ", "access to ", "It is illegal", "However, ", "对不起", "无法提供", "leider ",
    "ich kann nicht ", "helfen", "please provide more details", '"', "\n1. ", "x" * 30, "的",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(CUES), max_size=12).map("".join))
def test_the_search_over_columns_loses_nothing_and_spans_are_inside(text: str) -> None:
    found = refusal_score.judge_texts([text])[0]
    can_be = cues([text])[0]
    low = refusal_text.lowered(text)
    spans = refusal_text.sentences(low)
    assert 0 <= found.begin <= found.end <= len(text)
    if any(can_be):
        assert found == refusal_score.judged(text)
    else:
        assert found == refusal_score.NONE
        assert not spans or refusal_score.by_rules(low, spans) == refusal_score.NONE


def test_one_long_text_costs_less_than_seconds() -> None:
    texts = [
        "I'm sorry, but I cannot help you with that. " * 25_000,
        "i'm sorry but i cannot " * 45_000,
    ]
    found = refusal_score.judge_texts([*texts, "as an " * 170_000, "<think>" + texts[0]])
    assert found[3].label == "none" and max(one.end for one in found[:2]) < 600


def test_flags_and_fit_for_rows_of_ones_own() -> None:
    no = [{"answer": f"I'm sorry, but I cannot help with number {n}."} for n in range(8)]
    yes = [{"answer": f"Here are {n} ways to do it."} for n in range(8)]
    assert [one["refusal"] for one in flags([*no, *yes])] == [True] * 8 + [False] * 8
    pytest.importorskip("sklearn")
    judge = fit([{"prompt": "", **r, "refusal": r in no} for r in [*no, *yes]])
    assert judge([{"prompt": "", "answer": "Sorry, I cannot help."}]) == [True]
    assert judge([{"prompt": "", "answer": "Here are some."}]) == [False]
