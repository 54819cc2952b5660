"""`seedbed init FOLDER…`: a first recipe for what is there, with the evidence of each choice."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stages.errors import UsageError

if TYPE_CHECKING:
    from stages.sketch.choice import Choice
    from stages.sketch.folder import Folder
    from stages.sketch.groups import Left

ABOUT = "look at folders of unknown things and write a first recipe for them, with reasons"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    about = "what you have: folders and files of any kind"
    parser.add_argument("paths", metavar="FOLDER", nargs="+", type=Path, help=about)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("recipe.yaml"),
        help="the recipe to write, which must not be there yet; - prints it. Default: recipe.yaml",
    )  # fmt: skip


def act(given: argparse.Namespace) -> int:
    """Look, write, and say what to do next."""
    from stages.child import fork_from_here

    fork_from_here()  # one thread, and little in memory
    found = sketch(given.paths, given.out)
    if str(given.out) == "-":
        sys.stdout.write(found.text)
        return 0
    write_new(given.out, found.text)
    for choice in found.choices:
        print(f"  {choice.stage:<10} {choice.name}: {choice.evidence[0]}")
        for question in choice.questions:
            print(f"  {'':<10} ? {question}")
    if found.left:
        print(f"  {'not read':<10} {found.left:,} of what is there: {given.out} says by kind, "
              "below the sources")  # fmt: skip
    print(f"\nwritten: {given.out}; read it, then `seedbed plan {given.out}` and `seedbed run "
          f"{given.out}`")  # fmt: skip
    return 0


@dataclass(frozen=True)
class Sketch:
    """The text of a recipe, the choices in it, and how many files and folders are left out."""

    text: str
    choices: list[Choice]
    left: int = 0


def sketch(paths: list[Path], out: Path) -> Sketch:
    """A recipe for what is at the paths, to be written to `out`. UsageError where there is nothing
    that a stage reads, or where `out` is taken."""
    from stages.sketch import folder, groups, recipe, sources

    printed = str(out) == "-"
    if not printed and (out.exists() or out.is_symlink()):
        raise UsageError(f"{out} is there already, and is not overwritten: name another with -o")
    for path in paths:
        if not path.exists():
            address = ":/" in str(path)
            remedy = ": it looks at files; a recipe names an address as a source's path"
            raise UsageError(f"{path}: not found{remedy if address else ''}")
    home = Path.cwd() if printed else out.resolve().parent
    whole = [path.resolve() for path in paths]
    listed = folder.listed(whole)
    inside = any(path.is_dir() and home.is_relative_to(path) for path in whole)
    found, left = groups.grouped(
        [file for file in listed.files if not sources.is_about(file)], apart=inside
    )
    about = [file.name for file in listed.files if sources.is_about(file)]
    if about and found:
        left["texts about data"] = (len(about), about[:5], "a readme, a licence")
    elif about:
        found, left = groups.grouped(listed.files, apart=inside)
    choices = sources.choices(found)
    if all(choice.idle for choice in choices):
        raise UsageError(_nothing(paths, left, listed), *(
            f"{choice.path}: {question}" for choice in choices for question in choice.questions
        ))  # fmt: skip
    name = re.sub(r"[^\w-]+", "-", whole[0].name.partition(".")[0]).strip("-")[:60] or "corpus"
    called = "seedbed run recipe.yaml" if printed else f"seedbed run {recipe.printable(str(out))}"
    file = home / ("recipe.yaml" if printed else out.name)
    number = sum(n for n, *_ in left.values()) + sum(n for n, _ in listed.left.values())
    return Sketch(recipe.written(choices, listed, left, file, called, name), choices, number)


def _nothing(paths: list[Path], left: Left, listed: Folder) -> str:
    told = [
        f"{kind} ({number})" + (f": {why}" if why else "")
        for kind, (number, _, why) in left.items()
    ]
    told += [f"{why} ({number})" for why, (number, _) in listed.left.items()]
    there = "; ".join(told[:6]) or "no files"
    return f"{', '.join(map(str, paths))}: nothing that a stage reads; there are {there}"


def write_new(out: Path, text: str) -> None:
    """Write a recipe, whole or not at all; UsageError where something is there, which stays."""
    try:
        file = open(out, "x", encoding="utf-8")  # noqa: SIM115
    except FileExistsError:
        raise UsageError(f"{out} is there already, and is not overwritten") from None
    try:
        with file:
            file.write(text)
    except BaseException:
        out.unlink()
        raise
