"""What help prints can be typed back: in a recipe, on the command line, in the library."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stages
from pipeline import cli
from pipeline.recipe.checked import _Reader, read_recipe
from pipeline.recipe.recipe import RecipeError
from pipeline.recipe.yaml import load
from pipeline.verbs import stage as command
from stages import check
from stages.errors import UsageError


def _values(kind: Any, default: object) -> Iterator[object]:
    """The values of a parameter that help names: its default, its choices, none."""
    yield default
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    for part in typing.get_args(kind) if union else (kind,):
        if part is bool:
            yield from (True, False)
        if part is type(None):
            yield None
        if typing.get_origin(part) is tuple and str not in typing.get_args(kind):
            yield ()  # where a text may stand, none is one
        if typing.get_origin(part) is typing.Literal:
            yield from typing.get_args(part)


@pytest.mark.parametrize("name", sorted(stages.TABLE))
def test_every_value_that_help_prints_can_be_typed_back(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cls = stages.stage(name)
    monkeypatch.setattr(cls, "contradictions", lambda self: ())  # one value alone may need others
    tried = 0
    for field, (kind, about) in check.parameters(cls).items():
        for value in _values(kind, about.default):
            word = check.shown(value)
            node, problems = load(f"{field}: {word}", "r.yaml")
            assert node is not None and not problems
            reader = _Reader("r.yaml", tmp_path)
            reader.seed = about.default if field == "seed" else 0
            stage = reader.build(cls, node.value, node)
            assert not reader.problems, (field, word, reader.problems)
            assert getattr(stage, field) == value, f"{field}: {word} in a recipe"
            option = f"--{field.replace('_', '-')}={word}"
            _, options = cli._parsed([name, "in", "-o", "out", option])
            assert getattr(command._built(options), field) == value, f"{option} on the command line"
            assert getattr(check.checked(cls(**{field: value})), field) == value
            tried += 1
    assert tried >= len(check.parameters(cls))


@pytest.mark.parametrize("name", sorted(stages.TABLE))
def test_help_names_each_default_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli._parsed([name, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    cls = stages.stage(name)
    options = ["--" + field.replace("_", "-") for field in check.parameters(cls)]
    ends = [shown.rindex(f" {option} ") for option in options] + [len(shown)]
    for begin, end, (field, (_, about)) in zip(
        ends, ends[1:], check.parameters(cls).items(), strict=False
    ):
        text = shown[begin:end].lower()
        assert text.count("default ") + text.count("default:") == 1, (field, text)
        said = {check.shown(about.default), f"{about.default:g}"} if (
            isinstance(about.default, int | float)
        ) else {check.shown(about.default)}  # fmt: skip
        assert any(f"default {word}".lower() in text.replace(":", "") for word in said), text


GOOD = {
    "entities: no": ("normalize", "entities", False),
    "entities: yes": ("normalize", "entities", True),
    "entities: false": ("normalize", "entities", False),
    "entities: 'no'": ("normalize", "entities", False),
    "max_length: none": ("tokenize", "max_length", None),
    "max_length: null": ("tokenize", "max_length", None),
    "system: no": ("tokenize", "system", "no"),
    "system: none": ("tokenize", "system", None),
    "system: 'none'": ("tokenize", "system", "none"),
    "form: none": ("normalize", "form", "none"),
    "columns: none": ("export", "columns", ()),
    "columns: [id, no]": ("export", "columns", ("id", "no")),
    "columns: id, title": ("export", "columns", ("id", "title")),
    'join: "\\n"': ("export", "join", "\n"),
}


@pytest.mark.parametrize("line", GOOD)
def test_a_word_means_what_its_parameter_takes(line: str, tmp_path: Path) -> None:
    name, field, value = GOOD[line]
    node, _ = load(line, "r.yaml")
    assert node is not None
    reader = _Reader("r.yaml", tmp_path)
    stage = reader.build(stages.stage(name), node.value, node)
    assert not [p for p in reader.problems if field in p.text], reader.problems
    if stage is not None:
        assert getattr(stage, field) == value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("normalize: {entities: maybe}", "must be yes or no"),
        ("normalize: {entities: 1}", "must be yes or no"),
        ("export: {columns: 3}", "must be a list, not 3"),
        ("export: {join: 010}", "must be text, not 10"),
        ("quality: {min_words: none}", "must be integer, not 'none'"),
    ],
)
def test_all_else_is_what_yaml_says(line: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "words"}\n')
    path = tmp_path / "r.yaml"
    path.write_text(f"version: 1\nname: t\nsources:\n  - jsonl: in.jsonl\nsteps:\n  - {line}\n")
    with pytest.raises(RecipeError, match=words):
        read_recipe(path)


# --- the library --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "given", "words"),
    [
        ("Pii", {"action": "maks"}, "pii.action must be one of mask, drop, not 'maks'; did you"),
        ("Deduplicate", {"threshold": 80}, "dedup.threshold must be between 0.3 and 1, not 80"),
        ("Tokenize", {"train_on": "outputs"}, "did you mean 'output'?"),
        ("RefusalFilter", {"threshold": "many"}, "refusals.threshold must be number, not 'many'"),
        ("Normalize", {"entities": "no"}, "must be yes or no (True or False in Python)"),
        ("Pii", {"kinds": ()}, "pii.kinds is empty"),
        ("QualityFilter", {"min_words": 9, "max_words": 3}, "is over max_words 3"),
        ("RemoveRepeats", {"documents": 0}, "must be between 2 and 1099511627776, not 0"),
        ("ConvertMarkup", {"format": "bb"}, "markup.format must be one of auto, html, bbcode"),
        ("KMeansSelect", {"keep": 3, "share": 0.5}, "^select: give keep (a number) or share"),
    ],
)
def test_a_call_checks_before_the_first_record(cls: str, given: dict[str, Any], words: str) -> None:
    stage = getattr(stages, cls)(**given)
    touched: list[int] = []

    def data() -> Iterator[dict[str, str]]:
        touched.append(1)
        yield {"text": "some words"}

    with pytest.raises(UsageError) as caught:
        stage(data())
    said = str(caught.value)
    assert (said.startswith(words[1:]) if words[0] == "^" else words in said) and not touched


def test_a_source_and_an_end_are_checked_when_they_are_called(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"html.min_words must be between 0 and 100000"):
        stages.HtmlExtract(min_words=-1)(tmp_path)  # not at the first record
    with pytest.raises(UsageError, match=r"export.format .* did you mean 'alpaca'"):
        stages.Export(format="alpacas")(tmp_path, out=tmp_path / "out")


def test_values_of_python_are_those_of_the_class(tmp_path: Path) -> None:
    import numpy as np

    stage = stages.Deduplicate(threshold=np.float32(0.5))
    assert check.checked(stage).threshold == 0.5
    built = check.checked(stages.Export(columns=["id", tmp_path]))
    assert built.columns == ("id", str(tmp_path)) and hash(built)
    assert type(check.checked(stages.QualityFilter(min_letters=1)).min_letters) is float


@pytest.mark.parametrize("stage", [stages.CsvExtract, stages.JsonlExtract])
def test_a_call_knows_a_column_that_nothing_has(stage: Any, tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("Frage,Antwort\n" + "When?,In March.\n" * 3)
    rows = ['{"Frage": "When?", "Antwort": "In March."}'] * 3
    (tmp_path / "faq.jsonl").write_text("\n".join(["{broken", *rows]))
    path = tmp_path / f"faq.{stage.name}"
    named = stage(prompt="frage", completion="Antwort")
    with pytest.raises(UsageError, match=r"no column 'frage' in .*did you mean 'Frage'\?"):
        list(named(path, []))


def test_a_column_that_one_row_has_is_no_mistake_of_a_call(tmp_path: Path) -> None:
    path = tmp_path / "faq.jsonl"
    path.write_text('{"Frage": "When?"}\n' * 3 + '{"frage": "Where?", "Antwort": "Here."}\n')
    rejects: list[dict[str, Any]] = []
    kept = list(stages.JsonlExtract(prompt="frage", completion="Antwort")(path, rejects))
    assert len(kept) == 1 and [row["reason"] for row in rejects] == ["no_form"] * 3
