"""Which stages there are: ours, those that installed packages bring, and `module:Class`.

A package brings stages by entry points of the group `seedbed.stages`; the entry's name is the
stage's. `module:Class` is a class in a module of the user's, or in an installed one.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stages
from stages import check, user_code
from stages.errors import UsageError

if TYPE_CHECKING:
    from stages.base import Stage

GROUP = "seedbed.stages"


@cache
def installed(group: str = GROUP) -> Mapping[str, tuple[EntryPoint, ...]]:
    """name → entry points of installed packages; more than one when packages disagree."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=group):
        found[point.name] = (*found.get(point.name, ()), point)
    return found


def names() -> list[str]:
    """The names of all stages: ours first, then those of installed packages."""
    return [*stages.TABLE, *sorted(set(installed()) - set(stages.TABLE))]


def find(word: str) -> type[Stage]:
    """The class that a name, or `module:Class`, stands for; UsageError with the reason when there
    is none."""
    if ":" in word:
        return _in_module(word)
    if word in stages.TABLE:
        module, name = stages.TABLE[word]
        found: type[Stage] = getattr(importlib.import_module(module), name)
        return found
    if word in installed():
        return _of_package(word)
    raise UsageError(f"there is no stage {word!r}{check.nearest(word, names())}")


def loaded(word: str) -> type[Stage] | None:
    """`find` for a word that stands in a file which may be anybody's: a `module:Class` whose module
    is not loaded yet is not imported for it, and None."""
    module, colon, _ = word.partition(":")
    if colon and not {module, f"{user_code.PRIVATE}.{module}"} & set(sys.modules):
        return None
    return find(word)


def every() -> Iterator[tuple[str, type[Stage]]]:
    """(name, class) of all stages but those that cannot be loaded; `find` says why."""
    for name in names():
        try:
            yield name, find(name)
        except UsageError:
            continue


def clashes() -> list[str]:
    """A sentence for each stage of a package that has the name of one of ours."""
    return [
        f"{told_of(point, 'stage')} is called like a stage of seedbed's own, which is used; "
        f"it can be had as "
        f"{point.value}"
        for name, points in sorted(installed().items())
        if name in stages.TABLE
        for point in points
    ]


def word_of(cls: type[Stage]) -> str:
    """The word that finds a stage's class again, in another process too."""
    module, name = user_code.name_of(cls.__module__), cls.__qualname__
    if stages.TABLE.get(cls.name) == (module, name):
        return cls.name
    if cls.name in installed() and cls.name not in stages.TABLE and find(cls.name) is cls:
        return cls.name
    if module == "__main__" or "." in name:
        raise UsageError(
            f"{name} cannot be found by another process: put the class into a module, at its top"
        )
    return f"{module}:{name}"


def modules_of(stage: Stage) -> list[str]:
    """The modules of others that a stage's output depends on: those that it names, and its own and
    those of the classes above it, where they are not ours."""
    above = {user_code.name_of(cls.__module__) for cls in type(stage).__mro__}
    foreign = {name for name in above if not name.startswith("stages.")}
    return sorted({*stage.modules(), *(foreign - sys.stdlib_module_names)})


def folder_of(cls: type[Stage]) -> str | None:
    """The folder in which a stage's module, or the package around it, lies."""
    top = importlib.import_module(cls.__module__.partition(".")[0])
    file = getattr(top, "__file__", None)
    if file is None:
        return None
    at = Path(file)
    return str(at.parent.parent if at.name.startswith("__init__.") else at.parent)


def culprit(trace: str) -> str | None:
    """The module of somebody else's stage through which an exception came; None where it came
    through none. trace: what Python prints of it."""
    from stages.base import Stage

    for cls in _below(Stage):
        if not cls.__module__.startswith("stages."):
            file = getattr(sys.modules.get(cls.__module__), "__file__", None)
            if file is not None and f'File "{file}"' in trace:
                return user_code.name_of(cls.__module__)
    return None


def _below(cls: type[Stage]) -> Iterator[type[Stage]]:
    for one in cls.__subclasses__():
        yield one
        yield from _below(one)


def _of_package(name: str) -> type[Stage]:
    found, told = imported(installed()[name], "stage")
    cls = _checked(found, told)
    if cls.name != name:
        raise UsageError(f"{told} calls itself {cls.name!r}: entry point and class must agree")
    return cls


def imported(points: Sequence[EntryPoint], what: str) -> tuple[Any, str]:
    """(what the only entry point of a name stands for, the words for it); UsageError for several,
    or with the reason when it cannot be loaded. what: a stage or a tool."""
    first, *others = points
    if others:
        both = " and ".join(told_of(point, what) for point in points)
        raise UsageError(
            f"two {what}s are called {first.name!r}, {both}: uninstall one of the packages"
        )
    told = told_of(first, what)
    try:
        return first.load(), told
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # importing runs the package, which may do anything
        text = " ".join(str(error).split())[:300]
        raise UsageError(f"{told} cannot be loaded: {type(error).__name__}: {text}") from None


def told_of(point: EntryPoint, what: str) -> str:
    """An entry point in words: what it is, its name, value and package."""
    package = f" of the package {point.dist.name} {point.dist.version}" if point.dist else ""
    return f"the {what} {point.name!r} ({point.value}{package})"


def _in_module(word: str) -> type[Stage]:
    name, _, attribute = word.partition(":")
    module = user_code.load(name)
    found = getattr(module, attribute, None)
    if found is None:
        known = [one for one, value in vars(module).items() if isinstance(value, type)]
        raise UsageError(f"{name} has no class {attribute!r}{check.nearest(attribute, known)}")
    return _checked(found, word)


def _checked(found: Any, told: str) -> type[Stage]:
    """The class, when it is a stage that can be used; UsageError with what is wrong."""
    from stages.base import Stage
    from stages.kinds import Kind

    if not isinstance(found, type) or not issubclass(found, Stage):
        raise UsageError(f"{told} is no stage: a stage is a class below one of stages.base")
    if inspect.isabstract(found):
        lacks = ", ".join(sorted(found.__abstractmethods__))
        raise UsageError(f"{told} is no whole stage: it does not define {lacks}")
    if not getattr(vars(found).get("__dataclass_params__"), "frozen", False):
        raise UsageError(f"{told} is no frozen dataclass: write @dataclass(frozen=True) above it")
    name = getattr(found, "name", None)
    if not isinstance(name, str) or not name.isidentifier():
        raise UsageError(f'{told} has no name: write `name: ClassVar[str] = "a_word"` in it')
    for what in ("kind", "consumes"):
        kind = getattr(found, what)
        if not isinstance(kind, Kind):
            raise UsageError(
                f"{told} has {kind!r} as its {what}, which is no Kind: write "
                f'`{what} = Kind("a_word", "a_folder")` in it, with stages.kinds.Kind'
            )
    ours = stages.TABLE.get(name)
    if ours is not None and ours != (found.__module__, found.__qualname__):
        raise UsageError(
            f"{told} calls itself {name!r}, as a stage of seedbed's: name it otherwise"
        )
    return found
