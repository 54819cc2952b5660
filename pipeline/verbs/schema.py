"""`seedbed schema`: the JSON Schema of recipes, for editors."""

from __future__ import annotations

import argparse

ABOUT = "print the JSON Schema of recipes, with which editors complete and check them"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.epilog = (
        "`seedbed schema > recipe.schema.json`: a recipe that begins with "
        "`# yaml-language-server: $schema=recipe.schema.json` is completed and checked by editors "
        "that know YAML."
    )


def act(given: argparse.Namespace) -> int:
    """Print it."""
    from pipeline.recipe.schema import schema
    from stages.json_lines import for_programs

    print(for_programs(schema(), indent=1))
    return 0
