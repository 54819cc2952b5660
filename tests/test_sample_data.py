"""What the sample promises: a coherent world, real faults, planted duplicates and refusals."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from stages.corpus import Corpus
from stages.place import Place
from stages.records import fields


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for table in Corpus(folder).batches() for row in table.to_pylist()]


def step(run: Path, name: str) -> Path:
    (found,) = [path for path in (run / "steps").iterdir() if path.name.endswith(name)]
    return found


def text_of(row: dict[str, Any]) -> str:
    return "\n".join(text for _, text in fields(row, "all"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_the_site_is_large_enough_and_has_its_faults(sample_data: Path, sample_run: Path) -> None:
    pages = [path for path in (sample_data / "site").rglob("*") if path.is_file()]
    assert len(pages) >= 60
    assert 1_500_000 < sum(path.stat().st_size for path in sample_data.rglob("*")) < 3_000_000
    letters = (sample_data / "site/archive/letters-1979.html").read_bytes()
    assert b"charset=iso-8859-1" in letters and b"\x93" in letters
    rejects = Corpus(step(sample_run, "html-site")).rejects().to_pylist()
    faults = {Place.parse(row["place"]).path: row["reason"] for row in rejects}
    assert faults["archive/1987-index.html.gz"] == "truncated"
    assert faults["archive/scan-0412.html"] == "binary"
    assert set(faults) == {
        "archive/1987-index.html.gz",
        "archive/scan-0412.html",
        "varieties/index.html",
        "glasshouse/live.html",
    }


def test_the_facts_stand_in_the_extracted_text(sample_data: Path, sample_run: Path) -> None:
    texts = {
        "site/" + Place.parse(row["place"]).path: squeezed(re.sub(r"[*`_|\\]", "", row["text"]))
        for row in rows_of(step(sample_run, "html-site"))
    }
    lines = (sample_data / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    facts = [json.loads(line) for line in lines]
    found = [
        fact
        for fact in facts
        if squeezed(re.sub(r"[*`_|\\]", "", fact["quote"])) in texts.get(fact["file"], "")
    ]
    missing = [fact["quote"] for fact in facts if fact not in found]
    assert len(facts) >= 150 and len(found) >= 0.97 * len(facts), missing
    assert len({fact["fact"] for fact in facts}) == len(facts)


def test_it_is_no_template_spinning(sample_run: Path) -> None:
    sets = []
    for row in rows_of(sample_run / "corpus"):
        words = re.findall(r"\w+", text_of(row).lower())
        sets.append({hash(tuple(words[at : at + 3])) for at in range(len(words) - 2)})
    like = np.zeros(len(sets), dtype=bool)
    for one, two in combinations(range(len(sets)), 2):
        small, large = sorted((sets[one], sets[two]), key=len)
        if (
            small
            and 2 * len(small) >= len(large)
            and len(small & large) >= 0.5 * len(small | large)
        ):
            like[[one, two]] = True
    assert len(sets) > 500 and like.mean() <= 0.05


def test_dedup_finds_the_threads_that_are_in_both_halves(sample_run: Path) -> None:
    dumps = {row["id"]: row for row in rows_of(step(sample_run, "sql-forum")) if row["prompt"]}
    assert {Place.parse(row["place"]).path for row in dumps.values()} == {
        "forum_2019.sql",
        "forum_2023.sql",
    }
    dropped = [
        row
        for row in Corpus(step(sample_run, "dedup")).rejects().to_pylist()
        if row["source"] == "forum"
    ]
    pairs = set()
    for row in dropped:
        survivor = dumps[json.loads(row["evidence"])["survivor"]]
        pairs.add(frozenset((_thread(dumps[row["id"]]), _thread(survivor))))
    assert pairs == {
        frozenset(pair)
        for pair in ((103, 5001), (109, 5002), (117, 5003), (120, 5004), (137, 5005))
    }


def _thread(row: dict[str, Any]) -> int:
    return int(json.loads(row["meta"])["thread_id"])


def test_what_was_planted_in_the_instructions_is_found(sample_data: Path, sample_run: Path) -> None:
    lines = (sample_data / "instructions/labels.jsonl").read_text().splitlines()
    labels = [json.loads(line) for line in lines]
    planted: dict[str, set[int]] = {}
    for label in labels:
        planted.setdefault(label["kind"], set()).add(label["line"])
    gone: dict[str, set[int]] = {}
    for folder in sorted((sample_run / "steps").iterdir()):
        manifest = json.loads((folder / "manifest.json").read_bytes())
        if "pieces" not in manifest:
            continue
        for row in Corpus(folder).rejects().to_pylist():
            if row["source"] == "instructions":
                line = Place.parse(row["place"]).line
                assert line
                gone.setdefault(row["reason"], set()).add(line)
    refused = gone["refusal"]
    plain = {one["line"] for one in labels if one["kind"] == "refusal" and "note" not in one}
    assert len(plain) == 12 and len(refused & plain) >= 11
    # Two of the five traps are letters of apology, which the rules still take for refusals.
    assert len(planted["trap"]) == 5 and len(planted["trap"] & refused) <= 2
    assert not refused - planted["refusal"] - planted["cannot"] - planted["trap"]
    assert gone["malformed"] | gone["not_an_object"] == planted["malformed"]
    assert planted["empty"] <= gone["empty"]
    twice = planted["near_duplicate"] | planted["exact_duplicate"]
    of = {label["line"]: label["of"] for label in labels if "of" in label}
    both = gone["near_duplicate"] | gone["exact_duplicate"]
    assert all(line in both or of[line] in both for line in twice)
    assert len(both) <= len(twice) + 2
