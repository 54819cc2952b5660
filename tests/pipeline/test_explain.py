"""`seedbed explain` and the evidence: bytes at a place are the file's, spans are the text's."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.account import load_run
from pipeline.views.explain import explain, ids_at, life_of, newest_run, source_bytes
from stages.corpus import Corpus
from stages.errors import UsageError
from stages.place import Place
from stages.records import fields


def kept(folder: Path) -> list[dict[str, Any]]:
    return [row for table in Corpus(folder / "corpus").batches() for row in table.to_pylist()]


def rejects(folder: Path, account: dict[str, Any]) -> list[dict[str, Any]]:
    steps = [step for step in account["steps"] if step["counts"]]
    return [row for step in steps for row in Corpus(folder / step["folder"]).rejects().to_pylist()]


def test_the_bytes_of_kept_records_stand_at_their_places(sample_run: Path) -> None:
    account = load_run(sample_run)
    rows = kept(sample_run)
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    chosen = random.Random(seed).sample(rows, 30)
    compared = sum(stands_at_its_place(row, sample_run, account) for row in chosen)
    assert compared >= 20


def stands_at_its_place(row: dict[str, Any], folder: Path, account: dict[str, Any]) -> bool:
    """Compare the bytes that explain shows with the file's own, read here; False for a row whose
    place is within compressed data."""
    life = life_of(row["id"], folder, account)
    assert [chapter.row["id"] for chapter in life.chapters] == [row["id"]] * len(life.chapters)
    place = life.place
    full = Path(re.split(r"[*?]", life.source["full"])[0])
    path = full if full.is_file() else full / place.path
    if path.suffix == ".gz":
        return False
    data = path.read_bytes()
    if place.offset is not None and place.length is not None:
        assert data[: place.offset].count(b"\n") == (place.line or 0) - 1
        data = data[place.offset : place.offset + place.length]
    assert life.raw == data, row["place"]
    return True


def test_every_reason_can_be_explained_and_its_evidence_is_in_the_text(sample_run: Path) -> None:
    account = load_run(sample_run)
    reasons: dict[tuple[str, str], dict[str, Any]] = {}
    spans = 0
    for reject in rejects(sample_run, account):
        reasons.setdefault((reject["stage"], reject["reason"]), reject)
        evidence = json.loads(reject["evidence"])
        if "span" in evidence:
            spans += 1
            begin, end = evidence["span"]
            life = life_of(reject["id"], sample_run, account)
            before = life.chapters[-2].row
            text = dict(fields(before, "all"))[evidence["field"]]
            assert text[begin:end] == evidence["match"]
    assert spans >= 10 and len(reasons) >= 12
    for (stage, reason), reject in reasons.items():
        told = explain(reject["id"], sample_run)
        assert f"{'failed' if reject['failed'] else 'dropped'}, {reason}" in told, (stage, told)
    compared = [
        key for key, one in reasons.items() if stands_at_its_place(one, sample_run, account)
    ]
    assert {reason for _, reason in set(reasons) - set(compared)} <= {"truncated"}


def test_a_line_of_a_file_is_explained(sample_run: Path, sample_data: Path) -> None:
    account = load_run(sample_run)
    file = sample_data / "instructions" / "instructions.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(ids_at(file, 3, sample_run, account)) == 1
    told = explain(f"{file}:3", sample_run)
    assert lines[2][:60] in told and "line 3" in told
    broken = next(n for n, line in enumerate(lines, 1) if line.strip() == "42")
    assert "failed, not_an_object" in explain(f"{file}:{broken}", sample_run)
    page = sample_data / "site" / "guides" / "sowing calendar.html"
    told = explain(f"{page}:40", sample_run)
    assert "01-html-site" in told
    assert re.search(r"^    furniture +\| \w.*\n(    .*\n)*?    kept +\| ", told, re.MULTILINE)


def test_a_file_is_named_from_here_as_in_the_recipe_or_as_in_its_places(
    sample_run: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = load_run(sample_run)
    (wanted,) = ids_at(sample_data / "tables" / "faq.csv", 17, sample_run, account)
    monkeypatch.chdir(sample_data.parent)
    for name in (f"{sample_data.name}/tables/faq.csv", "tables/faq.csv", "faq.csv"):
        assert ids_at(Path(name), 17, sample_run, account) == [wanted], name
    with pytest.raises(UsageError, match="comes from guides/faq"):
        explain("guides/faq.csv:17", sample_run)


def test_a_quoted_field_of_several_lines_is_one_record(sample_run: Path, sample_data: Path) -> None:
    account = load_run(sample_run)
    rows = [row for row in kept(sample_run) if row["source"] == "faq"]
    found = 0
    for row in rows:
        place = Place.parse(row["place"])
        raw = source_bytes(account["sources"][1], place) or b""
        if raw.strip().count(b"\n"):
            found += 1
            second = ids_at(
                sample_data / "tables" / "faq.csv", (place.line or 0) + 1, sample_run, account
            )
            assert second == [row["id"]]
    assert found >= 5


@pytest.mark.parametrize("what", ["f" * 32, "nowhere.jsonl:3", "nonsense"])
def test_what_nobody_knows_is_said_in_a_sentence(sample_run: Path, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(what, sample_run)
    assert what.split(":")[0] in str(caught.value)


def test_the_newest_run_is_the_default(sample_run: Path, tmp_path: Path) -> None:
    assert newest_run(sample_run.parent) == sample_run
    with pytest.raises(UsageError):
        newest_run(tmp_path)


def test_the_tokens_are_told_with_what_is_trained_on(sample_run: Path) -> None:
    row = next(row for row in kept(sample_run) if row["source"] == "faq")
    told = explain(row["id"], sample_run)
    answer = row["completion"].splitlines()[0][:40]
    assert f"⟦{answer}" in told and f"⟦{row['prompt'][:20]}" not in told
    assert row["prompt"][:20] in told.partition("tokenize")[2]
