"""A recipe: what to read, what to do with it, checked whole before anything runs.

    version: 1
    name: sample
    seed: 7
    sources:
      - html: {path: site, license: CC0-1.0}
      - csv: {path: faq.csv, name: faq, steps: [normalize]}
    steps: [dedup, split, tokenize, train]
    run: {workers: 2, out: runs, store: .seedbed}

A source or step is a stage's name, or `module:Class` for one of yours, or either with parameters,
`name: {parameters}`. Of a source's keys `path`, `name`, `license` and `steps` belong to the recipe,
the others are the stage's. Paths are relative to the recipe. The command line builds the same
object, so one check serves both.
"""

from __future__ import annotations

import dataclasses
import difflib
import glob
import itertools
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from pipeline.recipe.order import problems_of_order
from pipeline.recipe.recipe import Recipe, RecipeError, SourceStep, Step
from pipeline.recipe.yaml import MOST_BYTES, Node, Problem, load
from stages import check, registry, secrets
from stages.base import End, Source, Stage
from stages.errors import SeedbedError, UsageError

VERSION = 1
_TOP = {"version", "name", "seed", "sources", "steps", "run"}
OF_SOURCE = {"path", "name", "license", "steps"}
_SQLITE = "sqlite:///"
_LISTED = 10_000  # names of a folder among which the nearest is looked for
OF_RUN: dict[str, Any] = {
    "workers": int,
    "out": str,
    "store": str,
    "part_bytes": int,
    "keep": Literal["last", "all"],
}


class _Reader:
    """Turns nodes into a recipe and collects every problem on the way."""

    def __init__(self, file: str, folder: Path) -> None:
        self.file, self.folder = file, folder
        self.problems: list[Problem] = []
        self.seed = 0
        self.shared: dict[str, Any] = {}  # values that steps have in common, by parameter

    def say(self, node: Node, text: str, key: str | None = None) -> None:
        line, column = (
            node.keys.get(key, (node.line, node.column))
            if key
            else (
                node.line,
                node.column,
            )
        )
        self.problems.append(Problem(text, line, column, self.file))

    def mapping(self, node: Node, what: str) -> dict[str, Node]:
        if isinstance(node.value, dict):
            return node.value
        self.say(node, f"{what} must be a mapping (key: value)")
        return {}

    def sequence(self, node: Node | None, what: str) -> list[Node]:
        if node is None:
            return []
        if isinstance(node.value, list):
            return node.value
        self.say(node, f"{what} must be a list (lines that begin with -)")
        return []

    def known(self, node: Node, allowed: set[str], what: str) -> None:
        for key in node.value if isinstance(node.value, dict) else ():
            if key not in allowed:
                self.say(node, f"{what} has no key {key!r}{check.nearest(key, allowed)}", key)

    def typed(self, top: dict[str, Node], key: str, kind: Any, default: Any) -> Any:
        if key not in top:
            return default
        problem = check.problem_with(top[key].plain(), kind, None)
        if problem:
            self.say(top[key], f"{key} {problem}")
            return default
        return top[key].value

    # --- stages ---

    def stage_of(self, node: Node) -> tuple[type[Stage], Node | None] | None:
        """(class, node of the parameters) of an entry of `sources` or `steps`."""
        if isinstance(node.value, str):
            name, parameters = node.value, None
        elif isinstance(node.value, dict) and len(node.value) == 1:
            name, parameters = next(iter(node.value.items()))
        else:
            self.say(node, "an entry must be a stage's name, or one `name: {parameters}`")
            return None
        try:
            return registry.find(name), parameters
        except UsageError as error:
            self.say(node, str(error))
            return None

    def build(self, cls: type[Stage], given: Mapping[str, Node], where: Node) -> Stage | None:
        kinds = check.parameters(cls)
        values = {
            key: _value(node, kinds[key][0]) if key in kinds else node.plain()
            for key, node in given.items()
        }
        wrong = check.problems_of(cls, values)
        for name, text in wrong.items():
            known = name in kinds
            if issubclass(cls, Source) and text.endswith(f"{name!r}"):  # the recipe's own keys
                text += check.nearest(name, OF_SOURCE)
            self.say(
                given[name] if known and name in given else where, text, None if known else name
            )
        if wrong:
            return None
        for name, value in self.shared.items():
            if name in kinds and kinds[name][1].metadata.get("shared"):
                values.setdefault(name, value)
        if "seed" in kinds:
            values.setdefault("seed", self.seed)
        stage = check.build(cls, values)
        assert isinstance(stage, Stage)
        for text in check.contradictions_of(stage):
            self.say(where, text)
        return stage

    def step(self, node: Node, where: str) -> Step | None:
        found = self.stage_of(node)
        if found is None:
            return None
        cls, parameters = found
        if issubclass(cls, Source):
            self.say(node, f"{cls.name} reads raw input: it belongs under sources:, not {where}")
            return None
        if where != "steps:" and issubclass(cls, End):
            self.say(node, f"{cls.name} works on a whole corpus: it belongs under steps:")
            return None
        given: dict[str, Node] = {}
        if parameters is not None and parameters.value is not None:
            given = self.mapping(parameters, f"the parameters of {cls.name}")
        stage = self.build(cls, given, parameters or node)
        return None if stage is None else Step(stage, node.line, node.column)

    def source(self, node: Node) -> SourceStep | None:
        found = self.stage_of(node)
        if found is None:
            return None
        cls, parameters = found
        if not issubclass(cls, Source):
            self.say(node, f"{cls.name} works on records: it belongs under steps:, not sources:")
            return None
        if parameters is None or parameters.value is None:
            self.say(node, f"{cls.name} needs a path: `{cls.name}: PATH`")
            return None
        if isinstance(parameters.value, str):
            given = {"path": parameters}
        else:
            given = dict(self.mapping(parameters, f"the parameters of {cls.name}"))
        own = {key: given.pop(key) for key in OF_SOURCE if key in given}
        stage = self.build(cls, given, parameters)
        steps = tuple(
            step
            for entry in self.sequence(own.get("steps"), "steps")
            if (step := self.step(entry, "the steps: of a source"))
        )
        path = own["path"].value if "path" in own else ""
        if not isinstance(path, str):
            self.say(own["path"], "path must be text")  # what it is may hold a password
            path = ""
        if "path" not in own:
            self.say(parameters, f"{cls.name} needs a path")
        name = self.typed(own, "name", str, cls.name)
        if "name" in own and (wrong := check.problem_with_name(name, nested=True)):
            self.say(own["name"], f"a source's name {wrong}")
        licence = self.typed(own, "license", str, None)
        full = absolute(path, self.folder)
        if wrong := check.problem_with_text(path):
            self.say(own["path"], f"path {wrong}")
        elif wrong := problem_with_path(path, full, cls):
            self.say(own["path"], wrong)
        elif path and missing(full):
            near = nearest_path(full)
            self.say(own["path"], f"{path}: not found (looked in {self.folder}){near}")
        if stage is None:
            return None
        return SourceStep(stage, node.line, node.column, full, name, licence, path, steps)


def _value(node: Node, kind: Any) -> Any:
    """The value of a parameter: a plain word may stand for one of its type, as `no` for a switch;
    all else is what YAML 1.2 says."""
    value = node.plain()
    if not isinstance(value, str) or (
        node.quoted and check.problem_with(value, kind, None) is None
    ):
        return value
    return check.meant(value, kind)


def absolute(path: str, folder: Path) -> str:
    """A source's path with a relative one made absolute; a URL stays."""
    return path if "://" in path else os.path.join(folder, os.path.expanduser(path))


def problem_with_path(path: str, full: str, cls: type[Stage]) -> str | None:
    """Why a text cannot name what a stage reads: a password is in it, or it is an address that the
    stage does not read; a file may be called anything."""
    file = unquote(path[len(_SQLITE) :]) if path.startswith(_SQLITE) else full
    if os.path.exists(file):
        return None
    wrong = secrets.problem(path)
    if wrong is None and "://" in path:
        if not issubclass(cls, Source):
            return f"{cls.name} works on a corpus or a file of records, and this is an address"
        return cls.problem_with(path)
    return wrong


def nearest_path(path: str) -> str:
    """ "; did you mean 'x'?" for a path that is not there, by the names in its folder."""
    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            there = [entry.name for entry in itertools.islice(entries, _LISTED)]
    except OSError:
        return ""
    stem, ending = os.path.splitext(name)
    alike = {other.removesuffix(ending): other for other in there if other.endswith(ending)}
    if ending and (close := difflib.get_close_matches(stem, alike, n=1)):
        return f"; did you mean {alike[close[0]]!r}?"
    return check.nearest(name, [one for one in there if not ending or one not in alike.values()])


def missing(path: str) -> bool:
    """Whether nothing is at a path or pattern (a URL is not looked at)."""
    if "://" in path or os.path.exists(path):
        return False
    return next(glob.iglob(path, recursive=True), None) is None


def read_recipe(path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read and check a recipe file; RecipeError with every problem that it has."""
    root, problems = load(_text(path), str(path))
    if root is None:
        if path.suffix.lower() not in (".yaml", ".yml"):
            problems.append(Problem(f"{path}: is it a recipe? One is YAML, and named so"))
        raise RecipeError(problems)
    reader = _Reader(str(path), path.resolve().parent)
    reader.problems = problems
    return _checked(reader, root, path, changes or {})


def recipe_of(given: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Recipe:
    """Check a recipe that is no file but a dict of the same keys; its folder is the working
    folder. RecipeError with every problem, without places."""
    try:
        text = json.dumps(given, default=os.fspath)
    except (TypeError, ValueError) as error:
        raise UsageError(f"a recipe holds texts, numbers, lists and dicts: {error}") from None
    root, problems = load(text, "")
    reader = _Reader("", Path.cwd())
    reader.problems = problems
    try:
        if root is None:
            raise RecipeError(problems)
        found = _checked(reader, root, Path.cwd() / "recipe", changes or {})
    except RecipeError as error:
        raise RecipeError([Problem(one.text) for one in error.problems]) from None
    return dataclasses.replace(found, file="")


def _checked(reader: _Reader, root: Node, path: Path, changes: Mapping[str, Any]) -> Recipe:
    recipe = dataclasses.replace(_recipe(reader, root, path), **changes)
    if not reader.problems:
        from pipeline.engine.places import problems_of_places  # imports this module

        reader.problems += problems_of_order(recipe) + problems_of_places(recipe)
        reader.problems = [dataclasses.replace(p, file=str(path)) for p in reader.problems]
    if reader.problems:
        raise RecipeError(sorted(reader.problems, key=lambda p: (p.line, p.column)))
    return recipe


def _text(path: Path) -> str:
    """The text of a recipe's file."""
    try:
        about = path.stat()  # first: a FIFO would be waited for
        if not stat.S_ISREG(about.st_mode):
            what = "a folder" if path.is_dir() else "no regular file"
            raise UsageError(f"{path}: cannot be read as a recipe: it is {what}")
        if about.st_size > MOST_BYTES:
            raise UsageError(
                f"{path}: too large for a recipe: {about.st_size:,} bytes of at most {MOST_BYTES:,}"
            )
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: not found{nearest_path(str(path))}") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: cannot be read as a recipe: byte {error.start:,} is no UTF-8; save it as "
            "UTF-8 text"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read as a recipe ({error.strerror})") from None


def _recipe(reader: _Reader, root: Node, path: Path) -> Recipe:
    top = reader.mapping(root, "a recipe")
    reader.known(root, _TOP, "a recipe")
    if "version" not in top:
        reader.say(root, f"a recipe begins with `version: {VERSION}`")
    elif top["version"].value != VERSION:
        reader.say(top["version"], f"version must be {VERSION}, not {top['version'].value!r}")
    if "sources" not in top:
        reader.say(root, "a recipe needs sources:")
    name = reader.typed(top, "name", str, path.stem)
    if wrong := check.problem_with_name(name):
        reader.say(top.get("name", root), f"name {wrong}")
    reader.seed = reader.typed(top, "seed", int, 0)
    sources = tuple(
        source
        for node in reader.sequence(top.get("sources"), "sources")
        if (source := reader.source(node))
    )
    reader.shared = _shared(top.get("steps"))
    steps = tuple(
        step
        for node in reader.sequence(top.get("steps"), "steps")
        if (step := reader.step(node, "steps:"))
    )
    run = reader.mapping(top["run"], "run") if "run" in top else {}
    if "run" in top:
        reader.known(top["run"], set(OF_RUN), "run")
    settings = {key: reader.typed(run, key, kind, None) for key, kind in OF_RUN.items()}
    for key in ("workers", "part_bytes"):
        if settings[key] is not None and settings[key] < 1:
            reader.say(run[key], f"{key} must be at least 1, not {settings[key]}")
    settings = {key: value for key, value in settings.items() if value is not None}
    folder = path.resolve().parent
    where = root.keys.get("run", (root.line, root.column))
    return Recipe(
        name, folder, sources, steps, reader.seed, file=str(path), place=where, **settings
    )


def _shared(steps: Node | None) -> dict[str, Any]:
    """The values of parameters that steps have in common (a model), where one of them names it."""
    named: dict[str, list[Any]] = {}
    for node in steps.value if steps is not None and isinstance(steps.value, list) else ():
        if not isinstance(node.value, dict) or len(node.value) != 1:
            continue
        word, given = next(iter(node.value.items()))
        if not isinstance(given.value, dict):
            continue
        try:
            kinds = check.parameters(registry.find(word))
        except SeedbedError:
            continue  # is told where the step is built
        for name, one in given.value.items():
            if name in kinds and kinds[name][1].metadata.get("shared"):
                named.setdefault(name, []).append(one.plain())
    return {
        name: values[0]
        for name, values in named.items()
        if isinstance(values[0], str) and all(value == values[0] for value in values)
    }
