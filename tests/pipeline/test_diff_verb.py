"""`seedbed diff`: what came in, left and changed between two runs is what their corpora say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.terminal import painted
from pipeline.views.diff import KEPT, UNREAD, diff, lines
from stages.corpus import Corpus
from stages.errors import UsageError
from tests.pipeline import world


def made(folder: Path, name: str, steps: str, rows: list[dict[str, str]]) -> Path:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    link = folder / "in.jsonl"
    link.unlink(missing_ok=True)
    (folder / f"{name}.jsonl").rename(link)
    return run_recipe(
        read_recipe(world.recipe(folder, "jsonl: {path: in.jsonl, name: s}", steps, name=name))
    ).folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs: one more step, another limit, a record more and one less."""
    folder = tmp_path_factory.mktemp("two runs")
    rows = [{"prompt": f"Q{n}?", "completion": world.prose(n)} for n in range(12)]
    rows[0]["completion"] = "short one here"
    rows[1]["completion"] = "I'm sorry, but I can't help with that."
    rows[2]["completion"] = "Mail jane.doe@mail.example.org for it. " + world.prose(2)
    rows[3] = {**rows[3], "prompt": "", "completion": ""}
    one = made(folder, "one", "[quality, refusals]", rows)
    more = [*rows[:11], {"prompt": "New?", "completion": world.prose(99)}]
    two = made(folder, "two", "[pii, {quality: {min_words: 5}}]", more)
    return one, two


def test_records_come_in_and_leave_by_reason(runs: tuple[Path, Path]) -> None:
    found = diff(*runs)
    groups = {(one.before, one.after): one.count for one in found.groups}
    assert groups == {
        (KEPT, "quality too_short"): 1,
        ("refusals refusal", KEPT): 1,
        (UNREAD, KEPT): 1,
        (KEPT, UNREAD): 1,
    }
    ids = [{*Corpus(run / "corpus").table(["id"]).column("id").to_pylist()} for run in runs]
    assert found.same == len(ids[0] & ids[1]) and found.changed.count == 1
    (came,) = [one for one in found.groups if one.before == UNREAD]
    assert set(came.examples) <= ids[1] - ids[0]


def test_steps_and_parameters_that_differ_are_named(runs: tuple[Path, Path]) -> None:
    assert diff(*runs).settings == [
        "quality: min_words 1 → 5",
        "refusals: no step of the second run",
        "pii: no step of the first run",
    ]


def test_examples_show_the_texts(runs: tuple[Path, Path]) -> None:
    told = "\n".join(map(painted, lines(*runs, diff(*runs))))
    assert "[-jane.doe@mail.example.org-]{+[EMAIL]+}" in told
    assert "1 left: quality too_short" in told and "short one here" in told
    assert "1 came in: refusals refusal before" in told and "⟦I'm sorry, but I can't help⟧" in told
    assert "1 came in: not read before" in told and world.prose(99)[:60] in told


def test_a_run_is_not_another_than_itself(runs: tuple[Path, Path], tmp_path: Path) -> None:
    found = diff(runs[0], runs[0])
    assert not found.groups and not found.settings and not found.changed.count
    told = "\n".join(map(painted, lines(runs[0], runs[0], found)))
    assert "the same steps and parameters" in told and "no record came in or left" in told
    with pytest.raises(UsageError, match="it has no"):
        diff(runs[0], tmp_path)
