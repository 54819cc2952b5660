"""Recipes: every mistake in one message, with line, column and the nearest right word."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stages
from pipeline.recipe.checked import nearest_path, read_recipe
from pipeline.recipe.recipe import RecipeError
from pipeline.recipe.yaml import load, scalar
from stages import check
from stages.errors import SeedbedError, UsageError

HOME = Path(stages.__file__).resolve().parent.parent
SHIPPED = 12  # recipes/*.yaml and sample_data/recipe.yaml


def _recipe(folder: Path, text: str) -> Path:
    (folder / "in.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    path = folder / "r.yaml"
    path.write_text(text)
    return path


def _problems(folder: Path, text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(RecipeError) as caught:
        read_recipe(_recipe(folder, text))
    assert all(line.startswith(str(folder)) for line in str(caught.value).splitlines())
    return [(p.line, p.column, p.text) for p in caught.value.problems]


GOOD = """\
version: 1
name: t
seed: 7
sources:
  - jsonl: {path: in.jsonl, name: faq, license: CC0-1.0, steps: [normalize]}
steps:
  - dedup: {threshold: 0.7}
  - split
run: {workers: 2, out: somewhere, store: there, part_bytes: 1000}
"""


def test_a_good_recipe_is_read_whole(tmp_path: Path) -> None:
    recipe = read_recipe(_recipe(tmp_path, GOOD))
    (source,) = recipe.sources
    assert (recipe.name, recipe.seed, recipe.workers, recipe.part_bytes) == ("t", 7, 2, 1000)
    assert (recipe.out, recipe.store) == ("somewhere", "there")
    assert (source.name, source.license, source.shown) == ("faq", "CC0-1.0", "in.jsonl")
    assert source.path == str(tmp_path / "in.jsonl")
    assert [step.stage.name for step in source.steps] == ["normalize"]
    assert [step.stage.name for step in recipe.steps] == ["dedup", "split"]
    assert check.as_json(recipe.steps[0].stage)["threshold"] == 0.7
    assert check.as_json(recipe.steps[1].stage)["seed"] == 7, "the recipe's seed fills the stages'"


def test_all_problems_come_in_one_message_with_their_places(tmp_path: Path) -> None:
    found = _problems(
        tmp_path,
        "version: 1\n"
        "sed: 3\n"
        "sources:\n"
        "  - jsonl: {path: nowhere.jsonl, licence: CC0}\n"
        "  - jsnl: in.jsonl\n"
        "steps:\n"
        "  - dedup: {treshold: 0.7}\n"
        "  - dedup: {threshold: 3}\n"
        "  - jsonl\n"
        "run: {worker: 2}\n",
    )
    assert [(line, column) for line, column, _ in found] == [
        (2, 1),
        (4, 19),
        (4, 34),
        (5, 5),
        (7, 13),
        (8, 24),
        (9, 5),
        (10, 7),
    ]
    told = [text for *_, text in found]
    assert "'sed'" in told[0] and "did you mean 'seed'?" in told[0]
    assert "nowhere.jsonl: not found" in told[1] and str(tmp_path) in told[1]
    assert "'licence'" in told[2]
    assert "no stage 'jsnl'; did you mean 'jsonl'?" in told[3]
    assert "no parameter 'treshold'; did you mean 'threshold'?" in told[4]
    assert "dedup.threshold must be between 0.3 and 1, not 3" in told[5]
    assert "belongs under sources:" in told[6]
    assert "'worker'; did you mean 'workers'?" in told[7]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        ("- a\n", 1, 1, "must be a mapping"),
        ("version: 2\nsources: [jsonl: in.jsonl]\n", 1, 10, "version must be 1, not 2"),
        ("sources: [jsonl: in.jsonl]\n", 1, 1, "begins with `version: 1`"),
        ("version: 1\n", 1, 1, "needs sources"),
        ("version: 1\nsources: []\n", 0, 0, "empty"),
        ("version: 1\nsources: in.jsonl\n", 2, 10, "must be a list"),
        ("version: 1\nsources: [jsonl]\n", 2, 11, "needs a path"),
        ("version: 1\nsources: [split: in.jsonl]\n", 2, 11, "belongs under steps:"),
        ("version: 1\nname: a/b\nsources: [jsonl: in.jsonl]\n", 2, 7, "folder's name"),
        ("version: 1\nsources: [jsonl: in.jsonl, jsonl: in.jsonl]\n", 2, 28, "two sources"),
        ("version: 1\nsources: [{jsonl: in.jsonl, csv: in.jsonl}]\n", 2, 11, "one `name:"),
        ("version: 1\nsources: [jsonl: in.jsonl]\nsteps: [select]\n", 3, 9, "embed"),
        pytest.param(
            *("version: 1\nsources: [jsonl: in.jsonl]\nsteps: [train]\n", 3, 9, "tokenize"),
            marks=pytest.mark.extras,
        ),
        (
            "version: 1\nsources: [jsonl: {path: in.jsonl, steps: [export]}]\n",
            2,
            43,
            "whole corpus",
        ),
        ("version: 1\nsources: [jsonl: in.jsonl]\nrun: {workers: 0}\n", 3, 16, "at least 1"),
        ("version: 1\nseed: 1e-4\nsources: [jsonl: in.jsonl]\n", 2, 7, "seed must be integer"),
        ("version: 1\nversion: 1\nsources: [jsonl: in.jsonl]\n", 2, 1, "a second time"),
        ("version: 1\n? [a]\n: 1\nsources: [jsonl: in.jsonl]\n", 2, 3, "a key must be text"),
        ("a: [1\n", 2, 1, "not YAML"),
        ("a: &x [*x]\n", 1, 4, "contains itself"),
        ("--- 1\n--- 2\n", 2, 1, "not YAML"),
        ("[" * 2000, 1, 1, "nested too deeply"),
    ],
)
def test_each_mistake_has_its_sentence_and_place(
    tmp_path: Path, text: str, line: int, column: int, words: str
) -> None:
    found = _problems_anywhere(tmp_path, text)
    assert [one for one in found if one[:2] == (line, column) and words in one[2]], found


def _problems_anywhere(folder: Path, text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(RecipeError) as caught:
        read_recipe(_recipe(folder, text))
    return [(p.line, p.column, p.text) for p in caught.value.problems]


def test_the_merge_key_and_aliases(tmp_path: Path) -> None:
    text = (
        "version: 1\nsources: [jsonl: in.jsonl]\nsteps:\n"
        "  - dedup: &d {threshold: 0.7}\n  - split: {<<: *d}\n"
    )
    (problem,) = _problems(tmp_path, text)
    assert problem[:2] == (5, 13) and "`<<`" in problem[2] and "alias" in problem[2]
    recipe = read_recipe(_recipe(tmp_path, text.replace("split: {<<: *d}", "dedup: *d")))
    assert recipe.steps[0].stage == recipe.steps[1].stage


def test_shared_aliases_do_not_multiply_the_work() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    root, (problem,) = load("\n".join(lines), "r.yaml")
    assert root is None and (problem.line, problem.column) == (6, 5)
    assert "with its aliases this is more than 100,000 values" in problem.text


def test_a_missing_or_unreadable_recipe_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not found"):
        read_recipe(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_recipe(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_recipe(tmp_path / "bytes.yaml")


# --- YAML 1.2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 0.0001),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("+1.", 1.0),
        (".5", 0.5),
        (".", "."),
        ("-", "-"),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("-.INF", -math.inf),
        ("+.nan", "+.nan"),
        ("٣", "٣"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    assert scalar(text) == value and type(scalar(text)) is type(value)


# Section 10.3.2 of YAML 1.2.2, as it stands there: (expression, tag).
CORE = [
    (r"null | Null | NULL | ~", "null"),
    (r"true | True | TRUE | false | False | FALSE", "bool"),
    (r"[-+]? [0-9]+", "int"),
    (r"0o [0-7]+", "int"),
    (r"0x [0-9a-fA-F]+", "int"),
    (r"[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?", "float"),
    (r"[-+]? ( \.inf | \.Inf | \.INF )", "float"),
    (r"\.nan | \.NaN | \.NAN", "float"),
]
KINDS = {"null": type(None), "bool": bool, "int": int, "float": float, "str": str}


def _tag(text: str) -> str:
    if text == "":
        return "null"
    for expression, tag in CORE:
        if re.fullmatch(expression, text, re.VERBOSE | re.ASCII):
            return tag
    return "str"


@given(
    st.one_of(
        st.text(alphabet="0123456789.eE+-xo_infaINFNnul~tTrRuUeE ", max_size=8),
        st.from_regex(r"[-+]?[0-9]{0,4}\.?[0-9]{0,3}([eE][-+]?[0-9]{1,2})?", fullmatch=True),
        st.sampled_from(["null", "Null", "NULL", "~", "true", "False", ".inf", "-.Inf", ".NaN"]),
        st.text(max_size=6),
    )
)
def test_scalar_agrees_with_the_core_schema(text: str) -> None:
    value = scalar(text)
    assert type(value) is KINDS[_tag(text)], text
    if type(value) is float and text.lower().lstrip("+-") not in (".inf", ".nan"):
        assert value == float(text)
    if type(value) is str:
        assert value == text


@given(st.text(max_size=80))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    root, problems = load(text, "r.yaml")
    assert root is not None or problems


# --- the recipes that come with seedbed ---------------------------------------------------------


@pytest.mark.extras
def test_every_shipped_recipe_can_be_read(tmp_path: Path) -> None:
    paths = [*sorted((HOME / "recipes").glob("*.yaml")), HOME / "sample_data/recipe.yaml"]
    loaded = []
    for path in paths:
        try:
            recipe = read_recipe(path)
        except RecipeError as error:
            told = [p.text for p in error.problems]
            assert all("is not installed" in text for text in told), str(error)
            continue
        assert recipe.sources and recipe.steps
        first = path.read_text().splitlines()[0]
        assert first.startswith("#") and path.name in first, "it begins with the command"
        loaded.append(path.name)
    assert len(loaded) == len(set(paths)) == SHIPPED, loaded


def test_every_stage_can_stand_in_a_recipe_with_its_defaults(tmp_path: Path) -> None:
    checked = 0
    for name in stages.TABLE:
        cls = stages.stage(name)
        try:
            given_ = {k: v for k, v in check.as_json(cls()).items() if v is not None}
        except SeedbedError:
            continue
        assert not check.problems_of(cls, given_)
        checked += 1
    assert checked == len(stages.TABLE)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('version: 1\nname: "a\\0b"\n', (2, 7), "name must not hold a NUL"),
        ('version: 1\nname: "a\\ud800b"\n', (2, 7), "name must be UTF-8"),
        (f"version: 1\nname: {'n' * 300}\n", (2, 7), "at most 200 bytes"),
        ('version: 1\nname: "a\\nb"\n', (2, 7), "control characters"),
        ('version: 1\nsources: [jsonl: {path: "a\\0"}]\n', (2, 25), "path must not hold a NUL"),
        ("version: 1\nsources: [jsonl: {path: [u:pw@h]}]\n", (2, 25), "path must be text"),
        ("version: 1\nseed: 0x" + "f" * 3000, (2, 7), "64 bits"),
        ("version: 1\nseed: 0x" + "f" * 5000, (2, 7), "must be integer"),
        ('version: 1\nx: "\\UFFFFFFFF"\n', (1, 1), "not YAML"),
        ("version: 1\nx: " + "[" * 150 + "]" * 150, (2, 103), "nested too deeply"),
    ],
)
def test_what_no_file_can_hold_is_a_problem_with_its_place(
    text: str, place: tuple[int, int], words: str, tmp_path: Path
) -> None:
    found = [(line, column) for line, column, told in _problems(tmp_path, text) if words in told]
    assert found == [place]


@pytest.mark.parametrize("text", ["a: &a [*b]\nb: 1\n", "&k key: 1\n*k : 2\n", "? [a]\n: 1\n"])
def test_anchors_in_odd_places_are_problems(text: str, tmp_path: Path) -> None:
    assert _problems(tmp_path, text)


def test_a_recipe_is_a_small_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    with pytest.raises(UsageError, match="no regular file"):
        read_recipe(tmp_path / "fifo.yaml")
    (tmp_path / "large.yaml").write_bytes(b"a: 1\n" * 300_000)
    with pytest.raises(UsageError, match="too large for a recipe: 1,500,000 bytes"):
        read_recipe(tmp_path / "large.yaml")
    (tmp_path / "wide.yaml").write_bytes("version: 1\n".encode("utf-16"))
    with pytest.raises(UsageError, match="is no UTF-8"):
        read_recipe(tmp_path / "wide.yaml")


def test_of_very_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("version: 1\nname: t\nsources: []\nsteps: [" + "nothing, " * 5000 + "split]\n")
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert len(caught.value.messages) == 101 and len(caught.value.problems) == 5000
    assert caught.value.messages[-1] == f"and {len(caught.value.problems) - 100:,} more like these"


def test_a_path_that_is_not_there_is_told_the_nearest_name_and_not_the_nearest_ending(
    tmp_path: Path,
) -> None:
    for name in ("website.yaml", "data.csv", "recipe.yaml", "sample_data"):
        (tmp_path / name).touch()
    meant = {"recpie.yaml": "recipe.yaml", "data.cvs": "data.csv", "sampledata": "sample_data"}
    for written, name in meant.items():
        assert nearest_path(str(tmp_path / written)) == f"; did you mean {name!r}?"
    assert nearest_path(str(tmp_path / "smaple.yaml")) == ""
