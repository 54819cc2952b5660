"""Deduplicate: against brute force, whatever the cut; who stays, and what a reject tells."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import chain, combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.alone import group_ids
from stages.base import State, VisibleState
from stages.clean import minhash, shingles
from stages.clean.dedup import Deduplicate
from stages.records import SCHEMA, to_table
from stages.verdicts import Batch
from tests.cases.dedup import PEAS, cases

WORDS = [f"{a}{b}" for a in ("pea", "bean", "kale", "leek", "beet") for b in "abcdefgh"]


def garden(seed: int, families: int = 12, members: int = 5) -> list[str]:
    """Families of texts with a few words changed: some pairs are just above a threshold."""
    rng = random.Random(seed)
    texts = []
    for _ in range(families):
        base = [rng.choice(WORDS) for _ in range(rng.randint(8, 60))]
        for _ in range(members):
            words = list(base)
            for _ in range(rng.randint(0, 3)):
                words[rng.randrange(len(words))] = rng.choice(WORDS)
            texts.append(" ".join(words))
    rng.shuffle(texts)
    return texts


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def brute(texts: list[str], threshold: float) -> dict[tuple[int, int], float]:
    """All pairs at the threshold, by comparing everything with everything."""
    sets = [grams(text) for text in texts]
    scores = {
        (i, j): len(sets[i] & sets[j]) / len(sets[i] | sets[j])
        for i, j in combinations(range(len(texts)), 2)
    }
    return {pair: score for pair, score in scores.items() if score >= threshold}


def joined(count: int, pairs: dict[tuple[int, int], float]) -> list[int]:
    group = list(range(count))
    for i, j in pairs:
        old, new = max(group[i], group[j]), min(group[i], group[j])
        group = [new if g == old else g for g in group]
    return group


def rows(texts: list[str]) -> list[dict[str, Any]]:
    return [{"id": f"{i:04}", "source": "s", "place": "", "text": t} for i, t in enumerate(texts)]


def fitted(stage: Deduplicate, pieces: list[list[dict[str, Any]]]) -> list[pa.Table]:
    """The local table of each piece, when the stage is run over pieces."""
    state, tables = State(), [to_table(piece, SCHEMA) for piece in pieces]
    while not state.done:
        local = state.local or [None] * len(tables)
        state = stage.merge(
            [
                stage.observe(Batch(t), VisibleState(state.round, state.values, state.tables, own))
                for t, own in zip(tables, local, strict=True)
            ],
            state,
        )
        assert not state.values and not state.tables
    assert state.local is not None
    return state.local


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_groups_and_survivors_are_those_of_brute_force(threshold: float) -> None:
    texts = garden(1)
    pairs = brute(texts, threshold)
    assert len(pairs) > 5
    rejects: list[dict[str, Any]] = []
    stage = Deduplicate(threshold=threshold, keep="first")
    kept = stage(rows(texts), rejects)
    expected = joined(len(texts), pairs)
    assert group_ids(texts, threshold) == expected
    assert all(row["group"] == f"{expected[int(row['id'])]:04}" for row in kept)
    staying = {int(row["id"]) for row in kept}
    for row in rejects:
        evidence, own = json.loads(row["evidence"]), int(row["id"])
        survivor = int(evidence["survivor"])
        near = {i: s for (i, j), s in pairs.items() if j == own and i in staying}
        assert near[survivor] == max(near.values()) == pytest.approx(evidence["score"], abs=1e-6)
        assert evidence["group"] == f"{expected[own]:04}"
    for i, j in combinations(sorted(staying), 2):
        assert (i, j) not in pairs


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 20), max_size=5))
def test_how_rows_are_cut_into_pieces_changes_nothing(seed: int, cuts: list[int]) -> None:
    records = rows(garden(seed, families=4))
    bounds = [0, *sorted(cuts), len(records)]
    pieces = [records[a:b] for a, b in pairwise(bounds)]
    for keep in ("first", "longest"):
        stage = Deduplicate(keep=keep)
        whole = fitted(stage, [records])[0]
        parts = pa.concat_tables(fitted(stage, pieces)).sort_by("id")
        assert parts.equals(whole)


def test_a_record_that_has_nothing_to_do_with_a_piece_leaves_its_table_as_it_is() -> None:
    texts = garden(3)
    pieces = [rows(texts)[:30], rows(texts)[30:]]
    before = fitted(Deduplicate(), pieces)
    other = "a text on quite another subject that has words of its own and no copy anywhere"
    twins = [{"id": "a", "text": other}, {"id": "b", "text": other.upper()}]
    after = fitted(Deduplicate(), [twins, *pieces])
    assert after[1:] == before
    assert after[0]["group"].to_pylist() == ["a", "a"]


def test_the_longest_stays_and_of_equals_the_first() -> None:
    texts = [PEAS, PEAS + " Good luck to you.", PEAS + "\n"]
    rejects: list[dict[str, Any]] = []
    kept = Deduplicate()(rows(texts), rejects)
    assert [row["id"] for row in kept] == ["0001"]
    # A text equal to one that is dropped itself has that one's survivor and score.
    assert [row["reason"] for row in rejects] == ["near_duplicate", "near_duplicate"]
    scores = [json.loads(row["evidence"])["score"] for row in rejects]
    assert scores[0] == scores[1] < 1
    rejects.clear()
    kept = Deduplicate(keep="first")(rows(texts), rejects)
    assert [row["id"] for row in kept] == ["0000"]
    assert {row["id"]: row["reason"] for row in rejects} == {
        "0001": "near_duplicate",
        "0002": "exact_duplicate",
    }


def test_a_pair_at_the_threshold_is_one_and_one_below_is_none() -> None:
    words = [f"w{n}" for n in range(131)]
    first, at, below = (" ".join(words[shift : shift + 98]) for shift in (0, 32, 33))
    assert brute([first, at], 0.0) == {(0, 1): 0.5}
    assert 0.48 < brute([first, below], 0.0)[0, 1] < 0.49
    assert group_ids([first, at], 0.5) == [0, 0] and group_ids([first, below], 0.5) == [0, 1]
    assert group_ids([first, at], 0.51) == [0, 1]


def test_what_is_linked_only_through_dropped_records_stays_in_the_group() -> None:
    words = [f"w{n}" for n in range(60)]
    first, second, third = (" ".join(words[shift : shift + 50]) for shift in (0, 3, 6))
    assert set(brute([first, second, third], 0.8)) == {(0, 1), (1, 2)}
    kept = Deduplicate(keep="first")(rows([first, second, third]), [])
    assert [(row["id"], row["group"]) for row in kept] == [("0000", "0000"), ("0002", "0000")]


def test_tag_drops_nothing_and_names_the_survivor() -> None:
    out = Deduplicate(action="tag")(rows([PEAS, PEAS, "another text of more than five words"]))
    assert [row.get("duplicate_of") for row in out] == [None, "0000", None]
    assert [row["group"] for row in out] == ["0000", "0000", "0002"]


def test_texts_without_the_view_pass_with_a_group_of_their_own() -> None:
    table = to_table([*rows([PEAS, PEAS]), {"id": "z", "prompt": PEAS}], SCHEMA)
    stage = Deduplicate(on="input")
    split = stage.split(table, VisibleState(2, {}, {}, fitted(stage, [table.to_pylist()])[0]))
    assert (split.counts.kept, split.counts.inapplicable) == (3, 2)
    assert split.kept["group"].to_pylist() == ["0000", "0001", "z"]


def test_short_texts_are_compared_with_their_punctuation_and_long_ones_without() -> None:
    short = ["x > 5", "x < 5", "X  >  5", "!!!", "???", "", " "]
    assert group_ids(short) == [0, 1, 0, 3, 4, 5, 5]
    long = ["One, two; three four five.", "one two three - four FIVE", "one two three five four"]
    assert group_ids(long) == [0, 0, 2]


def reasons(*texts: str) -> list[str]:
    rejects: list[dict[str, Any]] = []
    Deduplicate(keep="first")(rows(list(texts)), rejects)
    return [row["reason"] for row in rejects]


def test_an_exact_duplicate_is_equal_but_for_white_space_at_the_ends_of_lines() -> None:
    nested = "for bed in beds:\n    water(bed)\n    weed(bed)"
    assert reasons(nested, nested.replace("\n", "  \n") + "\n\n") == ["exact_duplicate"]
    assert reasons(nested, nested.replace("    weed", "weed")) == ["near_duplicate"]
    assert reasons(PEAS, PEAS.upper()) == ["near_duplicate"]
    assert reasons(PEAS, PEAS.replace(",", ";")) == ["near_duplicate"]
    assert reasons("Turkey", "turkey", "turkey ") == ["near_duplicate", "near_duplicate"]
    assert reasons("turkey", "turkey ") == ["exact_duplicate"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the rest is seeds + beds * 12 in all", "the rest is seeds - beds * 12 in all"),
        ("the rest is seeds / beds and no more", "the rest is seeds % beds and no more"),
        ("it was -7 in the north bed at night", "it was 7 in the north bed at night"),
        ("sow when night <= day, and not before", "sow when night >= day, and not before"),
        ("the label begins with ^[a-z] and then", "the label ends with [a-z]$ and then"),
        ("is this greenhouse program in C++ or not", "is this greenhouse program in C# or not"),
        ("how was the harvest of this year 🙂", "how was the harvest of this year 🙁"),
        ("a sack of the seed costs €5 at noon", "a sack of the seed costs $5 at noon"),
        ("both beds A ∪ B are to be dug over", "both beds A ∩ B are to be dug over"),
    ],
)
def test_texts_that_differ_in_an_operator_or_sign_are_no_duplicates(one: str, other: str) -> None:
    assert reasons(one, other) == []
    assert reasons(f"{one}. {PEAS}", f"{other}. {PEAS}") in ([], ["near_duplicate"])
    assert reasons(one, one.replace(" ", "  ")) == ["near_duplicate"]


def test_marks_that_lay_a_page_out_are_no_operators() -> None:
    plain = "Beds\nsow the early peas\nwater them well\na well-known way\nNote"
    marked = "# Beds\n- sow the early peas\n* water them well\n\n---\n\na well-known way\n**Note**"
    assert shingles.operators_of(marked) == shingles.operators_of(plain) == ""
    assert reasons(plain, marked) == ["near_duplicate"]
    assert shingles.operators_of("# a\nb - c ** d\n> e > f -1") == "->"


def test_in_a_long_text_one_operator_is_a_small_difference() -> None:
    assert reasons(f"a + b. {PEAS}", f"a - b. {PEAS}") == ["near_duplicate"]


def test_a_character_of_han_kana_or_hangul_is_a_word() -> None:
    text = "春天播种豌豆ペンの수박"
    assert shingles.words_of([text]).counts.tolist() == [11]
    assert group_ids([text, " ".join(text), text[1:]]) == [0, 0, 0]
    assert group_ids(["豌豆应该在春天播种", "西瓜应该在夏天播种"]) == [0, 1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(), max_size=6))
def test_words_are_those_of_the_regular_expression(texts: list[str]) -> None:
    import re

    han = re.compile(
        "([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])"
    )
    words = shingles.words_of(texts)
    found = [re.findall(r"\w+", han.sub(r" \1 ", text.casefold())) for text in texts]
    assert words.counts.tolist() == [len(each) for each in found]
    by_word: dict[str, set[int]] = {}
    for word, number in zip(chain.from_iterable(found), words.hashes.tolist(), strict=True):
        by_word.setdefault(word, set()).add(number)
    assert all(len(numbers) == 1 for numbers in by_word.values())
    assert len({min(numbers) for numbers in by_word.values()}) == len(by_word)


def test_a_long_text_is_cut_between_words_to_the_same_result() -> None:
    long = " ".join(garden(5, families=400, members=4))
    assert len(long) > shingles.CHUNK
    alone = shingles.words_of([long])
    together = shingles.words_of([long, "x"])
    assert np.array_equal(alone.hashes, together.hashes[:-1])
    one, both = shingles.sets_of(alone), shingles.sets_of(together)
    assert np.array_equal(one[0], both[0]) and one[1][0] == both[1][0]


def test_bands_miss_a_pair_at_the_threshold_once_in_a_million() -> None:
    for threshold in (0.3, 0.5, 0.8, 0.95, 1.0):
        bands, length = minhash.bands_for(threshold)
        assert bands * length <= minhash.FUNCTIONS
        assert (1 - min(threshold, 0.995) ** length) ** bands <= minhash.MISS
    assert minhash.bands_for(0.8) == (27, 4)


def test_a_crowded_bucket_has_few_candidates_and_no_false_group() -> None:
    """One template with 3,000 fillings: each band is one bucket, or nearly."""
    rng = random.Random(0)
    frame = " ".join(rng.choice(WORDS) for _ in range(200))
    texts = [f"{frame} number {n} of the {n * 7919}" for n in range(3000)]
    words = shingles.words_of(texts)
    keys = minhash.band_keys(*shingles.shingles_of(words), *minhash.bands_for(0.8))
    left, _ = minhash.candidates(keys)
    assert len(left) < 3000 * 2 * 27
    assert group_ids(texts) == [0] * 3000
    half = " ".join(rng.choice(WORDS) for _ in range(40))
    apart = [f"{half} " + " ".join(f"{n}x{k}" for k in range(40)) for n in range(700)]
    assert len(set(group_ids(apart))) == 700


def test_thousands_of_equal_texts_have_one_survivor() -> None:
    rejects: list[dict[str, Any]] = []
    kept = Deduplicate()(rows(["the same six words each time"] * 3000 + [""] * 200), rejects)
    assert [row["id"] for row in kept] == ["0000", "3000"]
    assert {json.loads(row["evidence"])["survivor"] for row in rejects} == {"0000", "3000"}


def test_the_cases_give_their_reasons(tmp_path: Path) -> None:
    for case in cases(tmp_path):
        rejects: list[dict[str, Any]] = []
        case.stage(case.records, rejects)  # type: ignore[operator]
        assert Counter(row["reason"] for row in rejects) == case.reasons


def calling(arguments: dict[str, object], number: int = 0) -> dict[str, object]:
    """A record that asks much and differs from others in its call alone."""
    call = {"id": f"c{number}", "function": {"name": "open_gate", "arguments": arguments}}
    asked = "Please look at the sheet and do with the gate what is written on it for today"
    answer = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"messages": [{"role": "user", "content": asked}, answer]}


def test_records_that_differ_in_a_call_alone_are_no_duplicates() -> None:
    rejects: list[dict[str, object]] = []
    calls = [{"gate": 1}, {"gate": 2}, {"gate": "one"}, {"door": 1}, {"gate": True}]
    kept = Deduplicate()([calling(one) for one in calls], rejects)
    assert len(kept) == len(calls) and not rejects
    # The id of a call says nothing, and arguments may be text.
    same = [calling({"gate": 1}), calling({"gate": 1}, 2)]
    same[1]["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"gate": 1}'  # type: ignore[index]
    assert len(Deduplicate()(same, rejects)) == 1


def test_records_that_differ_in_their_reasoning_are_no_exact_duplicates() -> None:
    talks = [
        {
            "messages": [
                {"role": "user", "content": "Why?"},
                {"role": "assistant", "content": "So.", "reasoning_content": why},
            ]
        }
        for why in ("because of one", "because of two and of three")
    ]
    assert len(Deduplicate()(talks, [])) == 2
