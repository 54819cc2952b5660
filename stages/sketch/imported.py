"""`seedbed import CONFIG`: a recipe from a configuration of axolotl, LLaMA-Factory or TRL."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.errors import UsageError

if TYPE_CHECKING:
    from stages.sketch.choice import Choice
    from stages.sketch.trainers import Data, Meant

ABOUT = "write the recipe for a configuration of axolotl, LLaMA-Factory or TRL"
_MOST = 1 << 20  # bytes of a configuration


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("config", type=Path, help="the configuration, YAML or JSON")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("recipe.yaml"),
        help="the recipe to write, which must not be there yet; - prints it. Default: recipe.yaml",
    )  # fmt: skip


def act(given: argparse.Namespace) -> int:
    """Read, write, and say what was not taken."""
    from stages.child import fork_from_here
    from stages.sketch.init import write_new

    fork_from_here()
    text, found = imported(given.config, given.out)
    if str(given.out) == "-":
        sys.stdout.write(text)
        return 0
    write_new(given.out, text)
    print(f"a configuration of {found.trainer}: {len(found.data)} data sets, "
          f"{found.train['method']}")  # fmt: skip
    for key, value in found.not_taken.items():
        print(f"  not taken: {key}: {value}")
    for path in found.away:
        print(f"  not here: {path}: a comment in {given.out} says how it is had")
    print(f"\nwritten: {given.out}; read it, then `seedbed plan {given.out}`")
    return 0


def imported(config: Path, out: Path) -> tuple[str, Meant]:
    """The text of the recipe, and what the configuration means. UsageError for one that cannot be
    read, that is nobody's, or of which no data are here."""
    from stages.sketch import recipe, trainers

    if config.exists() and not config.is_file():
        raise UsageError(f"{config} is no ordinary file: name a configuration in YAML or JSON")
    found = trainers.meant(_read(config), config.resolve().parent)
    if not found.data:
        raise UsageError(f"{config}: it names no data set")
    choices = [_choice(data, number) for number, data in enumerate(found.data, 1)]
    if all(choice.idle for choice in choices):
        told = [f"{choice.path}: {choice.questions[0]}" for choice in choices]
        raise UsageError(f"{config}: none of its data sets is here", *told)
    found.away = [choice.path for choice in choices if choice.idle]
    home = Path.cwd() if str(out) == "-" else out.resolve().parent
    lines = [
        f"# seedbed run {recipe.printable(str(out))}",
        *recipe.comment(f"Made by `seedbed import` of {config.name}, a configuration of "
            f"{found.trainer}: with its values, and its defaults where it has none."),
    ]  # fmt: skip
    lines += [*_not_taken(found), "version: 1", f"name: {recipe.scalar(_name(config))}"]
    lines += [f"seed: {found.seed if isinstance(found.seed, int) else 42}", "", "sources:"]
    for choice in choices:
        lines += recipe.source(choice, home / "recipe.yaml")
    lines += ["", "steps:", *_steps(found), "", "run: {out: runs, store: .seedbed}"]
    return "\n".join(lines) + "\n", found


def _read(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        if path.stat().st_size > _MOST:
            raise UsageError(f"{path}: over {_MOST:,} bytes, which is no configuration")
        text = path.read_text(encoding="utf-8")
        if text.count("*") > 1000:
            raise UsageError(f"{path}: too many aliases")
        value = json.loads(text) if path.suffix == ".json" else YAML(typ="safe").load(text)
    except FileNotFoundError:
        raise UsageError(f"{path}: not found") from None
    except (OSError, ValueError, RecursionError, YAMLError) as error:
        raise UsageError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path}: is no configuration: not `key: value` lines")
    return value


def _name(config: Path) -> str:
    import re

    return re.sub(r"[^\w-]+", "-", config.stem).strip("-")[:60] or "imported"


def _choice(data: Data, number: int) -> Choice:
    """A source for a data set; as a comment where its files are not here."""
    import re

    from stages.sketch.choice import Choice
    from stages.sketch.tried import tried

    stem = re.sub(r"[^\w-]+", "-", Path(data.path).name.partition(".")[0]).strip("-")
    choice = Choice("jsonl", data.path, f"{stem or 'data'}_{number}", data.parameters)
    choice.questions += data.notes
    path = Path(data.path)
    if not path.exists():
        choice.idle = True
        choice.questions.insert(0, "its files are not here: if it is a data set of a hub, fetch it "
            "(`hf download --repo-type dataset`), and name the files")  # fmt: skip
        return choice
    choice.size = path.stat().st_size
    choice.tried = tried("jsonl", data.parameters, data.path)
    if not choice.tried.records and data.parameters:  # other names than the configuration says
        choice.parameters, choice.tried = {}, tried("jsonl", {}, data.path)
        choice.questions.append("the columns that the configuration names are not there")
    if choice.tried.records:
        choice.evidence.append(choice.tried.form)
    else:
        choice.idle_for(choice.tried.mistake)
    return choice


def _not_taken(found: Meant) -> Iterator[str]:
    from stages.sketch import recipe

    for key, value in found.not_taken.items():
        yield from recipe.comment(f"? not taken: {key}: {value}")


def _steps(found: Meant) -> Iterator[str]:
    from stages.sketch import recipe

    train, tokenize = dict(found.train), dict(found.tokenize)
    if "model" in train:
        tokenize = {"model": train.pop("model"), **tokenize}
    train.pop("seed", None)
    if found.dedup:
        yield "  - dedup"
    if found.split.get("val"):
        yield f"  - split: {{val: {recipe.scalar(found.split['val'])}}}"
    else:
        yield "  - split: {val: 0.05}   # it has no validation; without one nobody sees overfitting"
    for name, parameters in (("tokenize", tokenize), ("train", train)):
        yield f"  - {name}:" if parameters else f"  - {name}"
        for key, value in parameters.items():
            yield f"      {key}: {recipe.scalar(value)}"
    yield "  - diagnose"
