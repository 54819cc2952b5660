"""`seedbed STAGE INPUT -o OUT`: one stage alone, its options made from its parameters.

What is checked here a recipe checks too, with the same sentences.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import re
import typing
from pathlib import Path
from typing import Any

import stages
from stages import check
from stages.errors import UsageError

_OUT = "the folder to make; pieces for reuse are kept beside it, in .seedbed"


def options(parser: argparse.ArgumentParser, name: str) -> None:
    """What the stage takes; the parser is given its help as well."""
    from stages.base import Source

    cls = stages.stage(name)
    parser.description = check.summary(cls)
    parser.add_argument("input", help="what to read: files, a folder, a pattern, a URL, a corpus")
    parser.add_argument("-o", "--out", type=Path, required=True, help=_OUT)
    parser.add_argument("--workers", type=int, default=1, help="processes; default: 1")
    if issubclass(cls, Source):
        parser.add_argument(
            "--source-name", default=cls.name, help="the source's name, part of ids"
        )
        parser.add_argument("--license", help="the licence of what is read")
    group = parser.add_argument_group("parameters")
    lines = check.help_lines(cls)
    for field, (kind, about) in check.parameters(cls).items():
        group.add_argument(
            "--" + field.replace("_", "-"),
            dest="parameter_" + field,
            metavar=_metavar(check.type_name(kind)),
            action="append" if check.item_of(kind) else "store",
            help=_help(lines.get(field, ""), about.default).replace("%", "%%"),
        )
    parser.set_defaults(stage=name)


def _help(line: str, default: object) -> str:
    """A parameter's line with its default, where it does not speak of it itself."""
    if default is dataclasses.MISSING:
        return f"{line} Must be given."
    if re.search(r"\bdefault\b", line, re.IGNORECASE):
        return line
    return f"{line} Default: {check.shown(default)}."


def _metavar(type_name: str) -> str:
    """A type in a usage line: `drop|tag` as it is, kinds of values in capitals."""
    name = type_name.removesuffix(" or none")
    if name.startswith("list of ") and "|" in name:
        return name.removeprefix("list of ").replace(" ", "") + ",…"
    return name.replace(" ", "") if "|" in name else name.replace(" ", "-").upper()


def act(given: argparse.Namespace) -> int:
    """Run the stage and tell what it left."""
    from pipeline.engine import places
    from pipeline.engine.run import run_stage
    from pipeline.views.summary import tell_stage
    from stages.call import PART_BYTES

    if given.workers < 1:
        raise UsageError("--workers must be at least 1")
    name = getattr(given, "source_name", "source")
    if wrong := check.problem_with_name(name, nested=True):
        raise UsageError(f"--source-name {wrong}")
    stage = _built(given)
    store = given.out.parent / places.STORE
    known = store.exists()
    report = run_stage(stage, _input(stage, given), given.out, given.workers, PART_BYTES)
    tell_stage(stage, report, given.out)
    if not known:
        print(
            f"{store}: made too; it holds the pieces, so that the next call makes none twice "
            f"(`seedbed gc --store {store}` frees what no recipe's run needs)"
        )
    return 0


def _built(given: argparse.Namespace) -> Any:
    """The stage that the options ask for; every mistake in one message."""
    cls = stages.stage(given.stage)
    values: dict[str, Any] = {}
    for field, (kind, _) in check.parameters(cls).items():
        word = getattr(given, "parameter_" + field)
        if word is not None:
            values[field] = _read(word, kind)
    return check.made(cls, values)


def _read(words: str | list[str], kind: Any) -> Any:
    """The value of an option: what a plain scalar would mean in a recipe, but for text, which stays
    as it is; in double quotes it is text as JSON writes it. A list may be several options."""
    from pipeline.recipe.yaml import scalar

    word = words if isinstance(words, str) else ",".join(words)
    if len(word) > 1 and word[0] == word[-1] == '"':
        with contextlib.suppress(ValueError):
            word = json.loads(word)
            if check.problem_with(word, kind, None) is None:
                return word
    value = check.meant(word, kind)
    if isinstance(value, str) and {int, float} & {*typing.get_args(kind)}:
        number = scalar(word)  # text and numbers alike: what a recipe would make of it
        return number if type(number) in (int, float) else value
    if isinstance(value, list):
        item = check.item_of(kind)
        return [one if _fits(one, item) else scalar(one) for one in value]
    return value if _fits(value, kind) else scalar(value)


def _fits(value: Any, kind: Any) -> bool:
    return not isinstance(value, str) or check.problem_with(value, kind, None) is None


def _input(stage: Any, given: argparse.Namespace) -> Any:
    """What the stage is to work on: raw input, a corpus, or a file read as records first."""
    from pipeline.recipe.checked import absolute, missing, nearest_path, problem_with_path
    from pipeline.recipe.recipe import SourceStep
    from stages.base import Source
    from stages.corpus import Corpus
    from stages.records import SCHEMA

    path = absolute(given.input, Path.cwd())
    if wrong := problem_with_path(given.input, path, type(stage)):
        raise UsageError(wrong)
    if missing(path):
        raise UsageError(f"{given.input}: not found{nearest_path(path)}")
    if isinstance(stage, Source):
        return SourceStep(
            stage,
            path=path,
            name=given.source_name,
            license=given.license,
            shown=given.input,
        )
    if Corpus.at(path):
        found = Corpus(path)
        if found.kind != stage.consumes.name:
            raise UsageError(f"{stage.name} works on {stage.consumes}; {path} holds {found.kind}")
        if found.pieces and found.has_records:
            _check_columns(stage, found.schema.names)
        return Path(path)
    from stages.base import End

    if isinstance(stage, End) and stage.consumes != Source.kind:
        return Path(path)
    reader = stages.reader_of(path)
    if reader is None:
        raise UsageError(
            f"{given.input} is no corpus and no file of records; make a corpus of it first with "
            "one of the source stages"
        )
    if isinstance(stage, End):
        raise UsageError(f"{stage.name} works on a corpus: make one of {given.input} first")
    read = reader()
    _check_columns(stage, read.schema(SCHEMA).names)
    return SourceStep(read, path=path, name=reader.name, shown=given.input)


def _check_columns(stage: Any, names: list[str]) -> None:
    """UsageError for a stage that works on a column that the records do not have."""
    from pipeline.recipe.order import problems_of_step
    from pipeline.recipe.recipe import Step

    there = set(names)
    if wrong := problems_of_step(Step(stage), there, {stage.consumes.name: there}):
        raise UsageError(wrong[0].text)
