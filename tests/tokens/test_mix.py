"""Mix: each value has its share, by records or text; what is over and what is repeated is told."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seedbed
from pipeline.cli import command
from stages import Mix, Split, check
from stages.base import State, VisibleState
from stages.call import as_table
from stages.corpus import Corpus
from stages.errors import UsageError
from stages.tokens import shares
from stages.verdicts import Batch
from tests.cases.mix import records


def mixed(stage: Mix, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Any]]:
    rejects: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = [{"copy_of": None, "meta": None, **row} for row in stage(rows, rejects)]
    return kept, rejects


def told(stage: Mix, rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    seen = VisibleState(0, {}, {}, None)
    return dict(stage.merge([stage.observe(Batch(as_table(rows)[0]), seen)], State()).told)


def count(rows: list[dict[str, Any]], key: str = "source") -> dict[Any, int]:
    return dict(Counter(row[key] for row in rows))


def test_without_a_total_nobody_is_short_and_nothing_stands_twice() -> None:
    rows = records(faq=10, wiki=60, old=5)
    kept, rejects = mixed(Mix(share=("faq=1", "wiki=3", "old=0")), rows)
    assert count(kept) == {"faq": 10, "wiki": 30}
    assert {row["copy_of"] for row in kept} == {None}
    assert count(rejects) == {"wiki": 30, "old": 5}
    assert {(r["source"], r["reason"]) for r in rejects} == {
        ("wiki", "over_share"),
        ("old", "no_share"),
    }
    over = next(json.loads(r["evidence"]) for r in rejects if r["source"] == "wiki")
    assert over == {"by": "source", "value": "wiki", "share": 0.75, "kept": 30, "of": 60}
    assert {row["id"] for row in kept} | {r["id"] for r in rejects} == {r["id"] for r in rows}


def test_what_is_short_is_repeated_with_ids_of_its_own() -> None:
    rows = records(faq=10, wiki=60)
    kept, _ = mixed(Mix(share=("faq=1", "wiki=1"), total=50, repeat=4), rows)
    assert count(kept) == {"faq": 25, "wiki": 25}
    assert len({row["id"] for row in kept}) == 50
    copies = [row for row in kept if row["copy_of"]]
    by_id = {row["id"]: row for row in rows}
    assert len(copies) == 15 and all(len(row["id"]) == 32 for row in copies)
    assert all(row["text"] == by_id[row["copy_of"]]["text"] for row in copies)
    # Each stands twice, half of them once more.
    times = Counter(Counter(row["copy_of"] or row["id"] for row in kept if row["source"] == "faq"))
    assert Counter(times.values()) == {2: 5, 3: 5}
    assert Mix().tell(copies[0]) == [f"a copy of {copies[0]['copy_of']}"]


def test_what_stays_short_is_said_with_what_it_has_and_what_would_reach() -> None:
    rows = records(faq=10, wiki=60)
    found = told(Mix(share=("faq=1", "wiki=1"), total=80, repeat=2), rows)
    assert found["warnings"] == [
        "faq is short: 20 of 40 records wanted, as a record stands at most 2 times; it has 33 % in "
        "place of 50 % (repeat: 4 would reach, or total: 0)"
    ]
    assert found["lines"] == [
        "mix by source: 60 records of 80 asked",
        "  wiki: 67 % of 50 % asked, 40 of 60 records, 20 left out",
        "  faq: 33 % of 50 % asked, 20 of 10 records: all 2 times",
    ]
    with pytest.warns(UserWarning, match="faq is short"):
        Mix(share=("faq=1", "wiki=1"), total=80)(rows, [])
    assert told(Mix(share=("faq=1", "wiki=1")), rows)["lines"][1] == (
        "  as much as faq reaches for, if a record may stand once"
    )


@pytest.mark.parametrize("unit", ["characters", "tokens"])
def test_shares_are_of_text_where_that_is_asked_for(unit: str, tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    model = tmp_path / "model"
    model.mkdir()
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.save(str(model / "tokenizer.json"))
    short = [{"id": f"s{n:03}", "source": "short", "text": "pea " * 2} for n in range(200)]
    long = [{"id": f"l{n:03}", "source": "long", "text": "a " * 20} for n in range(200)]
    stage = Mix(share=("short=1", "long=1"), unit=unit, total=800, model=str(model))  # type: ignore[arg-type]
    kept, _ = mixed(stage, [*short, *long])
    wanted = {"short": 50, "long": 10} if unit == "characters" else {"short": 200, "long": 20}
    assert count(kept) == wanted
    assert [path.name for path in stage.resources()] == (["tokenizer.json"] * (unit == "tokens"))


def test_clusters_have_like_parts_of_each_share_as_far_as_they_reach() -> None:
    rows = records(faq=70, wiki=140)
    kept, _ = mixed(Mix(total=120, even="cluster"), rows)
    both = Counter((row["source"], row["cluster"]) for row in kept)
    assert both == {(s, c): 20 for s in ("wiki",) for c in range(3)} | {
        ("faq", 0): 10,
        ("faq", 1): 10,
        ("faq", 2): 40,
    }
    kept, _ = mixed(Mix(by="cluster", total=30), rows)
    assert count(kept, "cluster") == {0: 10, 1: 10, 2: 10}
    assert Mix(by="cluster").needs()[1:] == (("cluster",),) == Mix(even="cluster").needs()[1:]


def test_keys_of_meta_have_shares_and_a_record_without_is_none() -> None:
    rows = [*records(faq=40), {"id": "x", "source": "faq", "text": "none"}]
    kept, _ = mixed(Mix(by="language", share=("en=1", "de=2", "none=1"), total=4), rows)
    assert Counter((json.loads(r["meta"] or "{}")).get("language") for r in kept) == {
        "en": 1,
        "de": 2,
        None: 1,
    }


def test_the_val_side_is_left_as_it_is() -> None:
    rows = [
        {**one, "split": "val" if n % 3 else "train"} for n, one in enumerate(records(a=9, b=90))
    ]
    kept, _ = mixed(Mix(total=40, repeat=9), rows)
    assert count([row for row in kept if row["split"] == "val"]) == {"a": 6, "b": 60}
    assert count([row for row in kept if row["split"] == "train"]) == {"a": 20, "b": 20}
    assert not [row for row in kept if row["split"] == "val" and row["copy_of"]]
    # Before it, a copy goes where its record goes.
    kept, _ = mixed(Mix(total=40, repeat=9), records(a=9, b=90))
    sides = {row["id"]: row["split"] for row in Split(val=0.3)(kept, [])}
    assert all(sides[r["id"]] == sides[r["copy_of"]] for r in kept if r["copy_of"])


def test_another_seed_another_choice_and_more_of_one_value_changes_no_choice_of_others() -> None:
    rows = records(faq=30, wiki=60)
    stage = Mix(total=40)
    first = {row["id"] for row in mixed(stage, rows)[0]}
    assert first == {row["id"] for row in mixed(stage, rows[::-1])[0]}
    assert first != {row["id"] for row in mixed(Mix(total=40, seed=1), rows)[0]}
    more = {row["id"] for row in mixed(stage, [*rows, *records(wiki=90)[60:]])[0]}
    assert {one for one in first if one[0] == "f"} == {one for one in more if one[0] == "f"}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (("faq",), "share takes a value and its weight, as faq=0.3, not 'faq'"),
        (("=1",), "takes a value"),
        (("faq=-1",), "takes a value"),
        (("faq=1e99999999",), "takes a value"),
        (("faq=1/3",), "takes a value"),
        (("faq=nan",), "takes a value"),
        (("faq=1", "faq=2"), "share names 'faq' twice"),
        (("faq=0",), "one weight must be above 0"),
        ((), "one weight must be above 0"),
    ],
)
def test_shares_that_are_none_are_refused(share: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check.made(Mix, {"share": share})


def test_a_value_without_a_share_is_named_with_the_nearest_and_no_record_is_lost() -> None:
    rows = records(faq=3, wiki=3)
    with pytest.raises(UsageError, match=r"nothing of source 'wiki' \(did you mean 'wikis'\?\)"):
        mixed(Mix(share=("faq=1", "wikis=1")), rows)
    found = told(Mix(share=("others=1", "wikis=1")), rows)["warnings"]
    assert found == [
        "mix.share names 'wikis', and no record has that source: the others share what it would "
        "have"
    ]
    with pytest.raises(UsageError, match="no record has a column 'languge' with a value"):
        mixed(Mix(by="languge"), rows)
    with pytest.raises(UsageError, match="no record has a source of a weight above 0"):
        mixed(Mix(share=("old=1", "others=0")), rows)


def test_what_a_mix_has_repeated_is_not_mixed_again() -> None:
    kept, _ = mixed(Mix(total=8, repeat=2), records(faq=3, wiki=3))
    with pytest.raises(UsageError, match="these records hold copies of a mix"):
        mixed(Mix(), kept)
    assert Mix().conflicts([Mix(repeat=2)]) and not Mix().conflicts([Split(), Mix()])
    kept, _ = mixed(Mix(), records(faq=3, wiki=9))
    assert count(mixed(Mix(total=4), kept)[0]) == {"faq": 2, "wiki": 2}


def test_vectors_of_copies_stay_and_frames_come_back_as_frames() -> None:
    pandas = pytest.importorskip("pandas")
    rows = records(faq=2, wiki=6)
    frame = pandas.DataFrame([{"source": r["source"], "text": r["text"]} for r in rows])
    found = Mix(total=12, repeat=3)(frame, [])
    assert found["source"].value_counts().to_dict() == {"faq": 6, "wiki": 6}
    table = as_table(rows)[0]
    vectors = pa.array(np.arange(32, dtype=np.float16)).cast(pa.float16())
    column = pa.FixedSizeListArray.from_arrays(vectors, 4)
    again = Mix(total=12, repeat=3)(table.append_column("vector", column), [])
    by_id = dict(zip(again["id"].to_pylist(), again["vector"].to_pylist(), strict=True))
    for name, of in zip(again["id"].to_pylist(), again["copy_of"].to_pylist(), strict=True):
        assert by_id[name] == by_id[of or name] and len(by_id[name]) == 4


def test_a_run_has_the_same_bytes_however_it_is_cut(tmp_path: Path) -> None:
    for name, size in (("faq", 20), ("wiki", 300)):
        lines = [json.dumps({"text": f"{name} {n}, sown in rows"}) for n in range(size)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    digests = set()
    for workers, part_bytes in ((1, 1 << 20), (2, 1000)):
        out = tmp_path / f"out{workers}"
        made = seedbed.run(
            {
                "version": 1,
                "name": "m",
                "seed": 3,
                "sources": [
                    {"jsonl": {"path": str(tmp_path / f"{name}.jsonl"), "name": name}}
                    for name in ("faq", "wiki")
                ],
                "steps": [{"mix": {"share": ["faq=1", "wiki=3"], "total": 120, "repeat": 2}}],
                "run": {
                    "workers": workers,
                    "part_bytes": part_bytes,
                    "out": str(out),
                    "store": str(out / "store"),
                },
            }
        )
        assert made is not None
        corpus = Corpus(out / "m" / "corpus")
        digests.add(corpus.digest)
        assert count(corpus.table().to_pylist()) == {"faq": 30, "wiki": 90}
    assert len(digests) == 1


def test_the_command_line_takes_shares_between_commas(tmp_path: Path, capsys: Any) -> None:
    lines = [json.dumps({"text": f"t {n}", "topic": "ab"[n % 3 == 0]}) for n in range(30)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    call = ["mix", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out")]
    assert command([*call, "--by", "topic", "--share", "a=1,b=4"]) == 0
    assert len(Corpus(tmp_path / "out").table()) == 12
    assert "b: 83 % of 80 % asked, all 10 records" in capsys.readouterr().out


SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(SIZES, st.integers(0, 300))
def test_like_parts_add_up_and_none_is_above_what_is_there(sizes: list[int], wanted: int) -> None:
    there = np.array(sizes)
    parts = shares.even(there, wanted)
    assert int(parts.sum()) == min(wanted, sum(sizes)) and (parts <= there).all()
    open_ = parts[parts < there]
    assert not len(open_) or parts.max() - open_.min() <= 1


@settings(max_examples=150, deadline=None)
@given(SIZES, st.integers(0, 300))
def test_no_other_number_of_records_comes_nearer(sizes: list[int], wanted: int) -> None:
    amounts = np.array(sizes)
    sums = np.concatenate([[0], np.cumsum(amounts)])
    far = np.abs(sums - wanted)
    assert shares.nearest_sum(amounts, wanted) == int(far.argmin())


@settings(max_examples=150, deadline=None)
@given(SIZES, st.integers(0, 300), st.integers(1, 4))
def test_portions_add_up(sizes: list[int], total: int, most: int) -> None:
    there = {f"v{n}": size for n, size in enumerate(sizes)}
    weights = {name: Fraction(n % 3 + 1) for n, name in enumerate(there)}
    if not any(sizes):
        return
    found = shares.portions(there, weights, total, most, "source")
    assert sum(one.share for one in found.values()) == 1
    for one in found.values():
        assert one.rounds * one.there + one.rest + one.short == one.wanted
        assert 0 <= one.rest < max(one.there, 1) and one.rounds <= most
        assert not one.short or one.rounds == most
        assert total or not one.short
