"""What a module of somebody else's depends on: the files of the modules that it imports, at any
depth, as far as they lie in given folders. Nothing is imported for it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, ModuleSpec
from importlib.machinery import SourceFileLoader as _Source
from pathlib import Path
from typing import TypeGuard


@dataclass(frozen=True)
class Source:
    """A module's file. outside: what it imports from where nothing is followed: modules, and names
    of modules as `module.name`."""

    path: Path
    sha256: str
    outside: frozenset[str]


@dataclass(frozen=True)
class Modules:
    """The modules of some folders. follows: whether a module of this top name is one of them, and
    none of another place that comes before."""

    folders: Sequence[str]
    follows: Callable[[str], bool]

    def files_of(self, name: str) -> list[Path] | None:
        """The file of a module, after those of the packages above it.

        None when it is not there. A folder without `__init__.py` is a package without a file.
        """
        folders = list(self.folders)
        files: list[Path] = []
        words = name.split(".")
        for word in words:
            found = [spec for folder in folders if (spec := spec_in(folder, word)) is not None]
            if not word or not found:
                return None
            if found[0].origin is not None:
                files.append(Path(found[0].origin))
            elif len(words) == 1 and not _holds_code(found[0]):
                return None
            folders = list(found[0].submodule_search_locations or ())
        return files

    def closure(self, name: str) -> dict[str, Source]:
        """name → file of a module and of what it imports here. Raises Unparsed."""
        found: dict[str, Source] = {}
        waiting, known = [name], {name}
        while waiting:
            module = waiting.pop()
            for path in self.files_of(module) or ():
                own = self._name_of(path)
                if own in found:
                    continue
                text = path.read_bytes()
                nodes = self._nodes(path, text, own) if path.suffix == ".py" else []
                names = set(self._imports(path, nodes, own))
                here = {one for one in names if self._is_here(one.partition(".")[0], own)}
                outside = names - here - {n.module for n in nodes if _names_what_it_takes(n)}
                outside |= {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
                digest = hashlib.sha256(text).hexdigest()
                found[own] = Source(path, digest, frozenset(outside - here))
                waiting.extend(here - known)
                known |= here
        return found

    def _is_here(self, top: str, own: str) -> bool:
        return top == own.partition(".")[0] or self.follows(top)

    def _name_of(self, path: Path) -> str:
        for folder in self.folders:
            if path.is_relative_to(folder):
                parts = list(path.relative_to(folder).parts)
                parts[-1] = parts[-1].partition(".")[0]
                return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        raise AssertionError(f"{path} lies in none of {self.folders}")

    def _nodes(self, path: Path, text: bytes, own: str) -> list[ast.AST]:
        try:
            return list(ast.walk(ast.parse(text, str(path))))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Unparsed(own, error) from error

    def _imports(self, path: Path, nodes: Sequence[ast.AST], own: str) -> Iterator[str]:
        """Names of modules that a file may import; some may not exist."""
        above = own.split(".") if path.name.startswith("__init__.") else own.split(".")[:-1]
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                words = [node.module] if node.module else []
                if node.level:
                    words = [*above[: len(above) - node.level + 1], *words]
                base = ".".join(words)
                if base:
                    yield base
                for alias in node.names:
                    if alias.name == "*":
                        yield from self._modules_in(base)
                    else:
                        yield f"{base}.{alias.name}" if base else alias.name

    def _modules_in(self, package: str) -> Iterator[str]:
        """All modules of a package: `from it import *` may load those that `__all__` names."""
        files = self.files_of(package)
        if files and files[-1].name == "__init__.py":
            for path in sorted(files[-1].parent.iterdir()):
                if path.suffix == ".py" or (path / "__init__.py").is_file():
                    yield f"{package}.{path.stem}"


def _names_what_it_takes(node: ast.AST) -> TypeGuard[ast.ImportFrom]:
    return isinstance(node, ast.ImportFrom) and all(alias.name != "*" for alias in node.names)


class Unparsed(Exception):
    """A module that is no Python; `error` says why."""

    def __init__(self, module: str, error: BaseException) -> None:
        super().__init__(module)
        self.module, self.error = module, error


def spec_in(folder: str, name: str) -> ModuleSpec | None:
    """What Python finds under a name in one folder."""
    return finder(folder).find_spec(name)


@cache
def finder(folder: str, source: type[_Source] = _Source) -> FileFinder:
    """Lists a folder once: there may be many files of data in it. source: the loader of `.py`."""
    return FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES), (source, [".py"]))


def _holds_code(spec: ModuleSpec) -> bool:
    """Whether a folder without `__init__.py` has a module near its top: others hold data."""
    return any(
        True
        for folder in spec.submodule_search_locations or ()
        for pattern in ("*.py", "*/*.py")
        for _ in Path(folder).glob(pattern)
    )
