"""`seedbed modules MODEL`: the layers that can have an adapter, and what a rank costs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stages.train.targets import Target

ABOUT = "list the layers of a model that can have an adapter: shapes, what they do, their cost"


def options(parser: argparse.ArgumentParser) -> None:
    """What the tool takes."""
    from stages.train.tools.options import shape_option

    shape_option(parser)
    parser.add_argument("--rank", type=int, default=16, help="of the LoRA matrices; default: 16")
    parser.add_argument("--json", action="store_true", help="a JSON list instead of a table")


def act(given: argparse.Namespace) -> int:
    """Build the skeleton and tell."""
    from stages.json_lines import for_programs
    from stages.train.targets import skeleton, targets_of
    from stages.train.tools.options import config_of, number_in

    number_in(given.rank, "rank", 1, 4096)
    model = skeleton(config_of(given.model))
    targets = targets_of(model)
    whole = sum(value.numel() for value in model.parameters())
    if given.json:
        print(for_programs([_entry(one, given.rank) for one in targets], indent=1))
    else:
        family = getattr(model.config, "model_type", "")
        print("\n".join(_table(targets, given.rank, whole, family)))
    return 0


def _entry(target: Target, rank: int) -> dict[str, Any]:
    """A target as JSON."""
    return {
        "name": target.name,
        "kind": target.kind,
        "shapes": [
            {"in": inputs, "out": outputs, "count": count}
            for (inputs, outputs), count in target.shapes.items()
        ],
        "within": target.within,
        "all_linear": target.standard,
        "refused": target.refused,
        "trainable": target.trainable(rank),
        "does": target.does,
    }


def _table(targets: list[Target], rank: int, whole: int, family: str) -> list[str]:
    """The targets for people; those of all-linear are marked."""
    rows = [("", "name", "in → out", "how many", f"at rank {rank}", "what it does")]
    for one in targets:
        shapes = ", ".join(f"{inputs:,} → {outputs:,}" for inputs, outputs in one.shapes)
        many = f"{one.count:,}" + (f" × {one.experts}" if one.experts > 1 else "")
        cost = "–" if one.refused else f"{one.trainable(rank):,}"
        about = f"no adapter: {one.refused}" if one.refused else one.does
        rows.append(("*" if one.standard else "", one.name, shapes, many, cost, about))
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    lines = []
    for mark, name, shapes, many, cost, about in rows:
        left = f"{mark:<{widths[0]}} {name:<{widths[1]}}  {shapes:<{widths[2]}}"
        lines.append(f"{left}  {many:>{widths[3]}}  {cost:>{widths[4]}}  {about}".rstrip())
    total = sum(one.trainable(rank) for one in targets if one.standard)
    lines += [
        "",
        f"* all-linear: {total:,} parameters at rank {rank}, {total / whole:.2%} of the "
        f"{whole:,} of this {family} model",
    ]
    return lines
