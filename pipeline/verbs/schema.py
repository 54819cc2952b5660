"""`seedbed schema`: the JSON Schema of recipes, for editors."""

from __future__ import annotations

import argparse
import json

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

    print(json.dumps(schema(), indent=1, ensure_ascii=False))
    return 0
