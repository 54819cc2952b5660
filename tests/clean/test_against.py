"""Deduplicate against corpora that are there already: what they have leaves, and they stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import command
from stages.clean.dedup import Deduplicate
from stages.extract.jsonl import JsonlExtract
from tests.cases.dedup import PEAS
from tests.clean.test_dedup import garden

FRESH = "Kale wants a bed that had no cabbage for three years, and frost before it is cut at all."


def written(path: Path, texts: list[str]) -> str:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


def rows(texts: list[str]) -> list[dict[str, Any]]:
    return [{"id": f"{n:04}", "text": text} for n, text in enumerate(texts)]


def test_what_is_there_already_leaves_whatever_its_length(tmp_path: Path) -> None:
    there = written(tmp_path / "there.jsonl", [PEAS, "x < 5", FRESH + " And so on.", FRESH])
    longer = PEAS + " Hope this helps!"
    rejects: list[dict[str, Any]] = []
    kept = Deduplicate(against=(there,))(rows([longer, PEAS, "x > 5", "X  < 5", "Beans."]), rejects)
    assert [row["text"] for row in kept] == ["x > 5", "Beans."]
    told = {row["id"]: (row["reason"], json.loads(row["evidence"])) for row in rejects}
    assert [reason for reason, _ in told.values()] == [
        "near_duplicate",
        "exact_duplicate",
        "near_duplicate",
    ]
    assert all(evidence["against"] == there for _, evidence in told.values())
    survivor = told["0000"][1]["survivor"]
    assert survivor == told["0001"][1]["survivor"] and len(survivor) == 32
    assert survivor != told["0003"][1]["survivor"]
    assert all(evidence["group"] == evidence["survivor"] for _, evidence in told.values())


def test_a_corpus_that_grows_keeps_what_one_run_over_all_would_keep(tmp_path: Path) -> None:
    texts = garden(4)
    first, second = texts[:30], texts[30:]
    kept = [row["text"] for row in Deduplicate(keep="first")(rows(first), [])]
    there = written(tmp_path / "there.jsonl", kept)
    more = Deduplicate(keep="first", against=(there,))(rows(second), [])
    whole = Deduplicate(keep="first")(rows(kept + second), [])
    assert kept + [row["text"] for row in more] == [row["text"] for row in whole]
    assert 0 < len(more) < len(second)


def test_what_is_there_is_not_compared_with_itself_nor_counted(tmp_path: Path) -> None:
    there = written(tmp_path / "there.jsonl", [PEAS, PEAS + " Good luck.", PEAS.upper()])
    kept = Deduplicate(against=(there, there))(rows(["Beans.", FRESH]))
    assert [row["group"] for row in kept] == ["0000", "0001"]
    tagged = Deduplicate(action="tag", against=(there,))(rows([PEAS, FRESH]))
    assert ["duplicate_of" in row for row in tagged] == [True, False]
    assert "\0" not in json.dumps(tagged)


def test_a_record_that_is_there_itself_leaves(tmp_path: Path) -> None:
    there = written(tmp_path / "there.jsonl", [PEAS, FRESH])
    same = list(JsonlExtract()(there))
    rejects: list[dict[str, Any]] = []
    assert Deduplicate(against=(there,))(same, rejects) == []
    assert [json.loads(row["evidence"])["survivor"] for row in rejects] == [r["id"] for r in same]


@pytest.mark.parametrize("name", ["missing", "folder", "notes.txt"])
def test_what_is_no_corpus_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("peas")
    (said,) = Deduplicate(against=(str(tmp_path / name),)).contradictions()
    assert said.startswith("dedup.against: ") and name in said


def test_a_second_run_over_more_files_keeps_the_new_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "one.jsonl", [PEAS, FRESH])
    written(tmp_path / "two.jsonl", [PEAS + " Good luck.", "Beans."])
    head = "version: 1\nsources:\n  - jsonl: "
    Path("one.yaml").write_text(f"{head}one.jsonl\nsteps: [dedup]\n")
    steps = "steps:\n  - dedup: {against: [runs/one/corpus]}\n"
    Path("two.yaml").write_text(f"{head}two.jsonl\n{steps}")
    assert command(["run", "one.yaml"]) == 0 and command(["run", "two.yaml"]) == 0
    capsys.readouterr()
    assert command(["show", "runs/two", "--rejects"]) == 0
    shown = capsys.readouterr().out
    assert "near_duplicate" in shown and "runs/one/corpus" in shown and "Beans." not in shown


def test_the_corpus_that_has_it_is_named(tmp_path: Path) -> None:
    beans = "Beans are sown in May, when the nights are warm and the soil is dry enough."
    first = written(tmp_path / "first.jsonl", [PEAS])
    second = written(tmp_path / "second.jsonl", [beans])
    rejects: list[dict[str, Any]] = []
    Deduplicate(against=(first, second))(rows([beans, PEAS]), rejects)
    assert [json.loads(row["evidence"])["against"] for row in rejects] == [second, first]
