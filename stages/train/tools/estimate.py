"""`seedbed estimate MODEL`: what a training would take, before anything is bought."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.errors import UsageError

if TYPE_CHECKING:
    from stages.train.estimate import Lengths
    from stages.train.train import Train

ABOUT = "steps, memory, hours and money of a training, before anything is bought"


def options(parser: argparse.ArgumentParser) -> None:
    """What the tool takes."""
    from stages.train.tools.options import shape_option

    shape_option(parser)
    parser.add_argument("--tokens", type=Path, help="a tokens corpus, for its lengths")
    parser.add_argument("--records", type=int, help="without a corpus: records for training")
    parser.add_argument("--length", type=int, default=512, help="and tokens of each; default: 512")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PARAMETER=VALUE",
        help="a parameter of train, as in --set method=qlora --set rank=64",
    )  # fmt: skip
    parser.add_argument("--gpus", type=Path, help="a table of GPUs and prices of your own")
    parser.add_argument("--gpu", help="this one alone")
    parser.add_argument(
        "--rules", action="store_true", help="known rules of thumb beside the formulas, and end"
    )


def act(given: argparse.Namespace) -> int:
    """Reckon and tell."""
    from dataclasses import replace

    from stages.train import forecast, gpus

    if given.rules:
        from stages.train.rules import rules

        print("\n".join([*forecast.table_of(rules()), *forecast.guide_lines()]))
        return 0
    table = gpus.read(given.gpus)
    if given.gpu:
        table = replace(table, gpus=(table.named(given.gpu),))
    train = _train(given.set)
    shape = _shape(given.model)
    setup = forecast.setup_of(train)
    lengths = _lengths(given, train)
    lines = [forecast.model_line(shape, setup)]
    if lengths is None:
        print("\n".join(lines))
        raise UsageError("name a corpus with --tokens, or how much there is with --records")
    lines += forecast.corpus_lines(train, setup, lengths)
    lines += forecast.machine_lines(train, shape, setup, lengths, table, len(table.gpus))
    print("\n".join(lines))
    return 0


def _shape(model: str) -> Any:
    from stages.train.shape import shape_of
    from stages.train.tools.options import config_of

    return shape_of(config_of(model))


def _train(said: list[str]) -> Train:
    """Train with the parameters that are set; every mistake in one message."""
    from stages import check
    from stages.train.train import Train

    known = check.parameters(Train)
    values: dict[str, object] = {}
    for one in said:
        name, equals, word = one.partition("=")
        if not equals or name not in known:
            raise UsageError(
                f"--set {one}: train has no parameter {name!r}{check.nearest(name, known)}"
            )
        values[name] = _value(word, known[name][0])
    if wrong := check.problems_of(Train, values):
        raise UsageError(*(f"--set {name}: {text}" for name, text in wrong.items()))
    return check.build(Train, values)  # type: ignore[no-any-return]


def _value(word: str, kind: Any) -> object:
    """A word as the parameter's type: as JSON where that fits, else as text."""
    import json

    from stages import check

    value = check.meant(word, kind)
    if isinstance(value, str) and check.problem_with(value, kind, None) is not None:
        try:
            return json.loads(word)
        except ValueError:
            return value
    return value


def _lengths(given: argparse.Namespace, train: Train) -> Lengths | None:
    from stages.train import forecast
    from stages.train.estimate import Lengths
    from stages.train.tools.options import number_in

    if given.tokens is not None:
        return forecast.lengths_of(train, given.tokens)
    if given.records is None:
        return None
    number_in(given.records, "records", 1, 1 << 40)
    number_in(given.length, "length", 2, 1 << 24)
    records, length = given.records, min(given.length, train.max_length or given.length)
    return Lengths(records, records * length, records * length, length, records * length**2)
