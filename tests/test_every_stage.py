"""The checks that every stage must pass, by shape; no stage is exempted by name.

The cases come from `tests/cases/NAME.py`, one module a stage; a stage without one fails.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import stages
from pipeline.engine import code, keys
from stages import testing
from stages.base import End, Source, Transform
from stages.testing import Case, checks_of

NAMES = sorted(stages.TABLE)
PAIRS = [(name, one.__name__) for name in NAMES for one in checks_of(stages.stage(name))]


@pytest.fixture(scope="module")
def cases_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Case]]:
    """The cases of a stage, made once: what it makes of them is kept with them."""

    @cache
    def of(name: str) -> list[Case]:
        folder = tmp_path_factory.mktemp(name)
        found = importlib.import_module(f"tests.cases.{name}").cases(folder)
        assert found and all(type(case.stage) is stages.stage(name) for case in found)
        return list(found)

    return of


@pytest.mark.parametrize(("name", "what"), PAIRS)
def test_a_stage(
    name: str, what: str, cases_of: Callable[[str], list[Case]], tmp_path: Path
) -> None:
    getattr(testing, what)(cases_of(name), tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_its_code_can_be_hashed(name: str) -> None:
    module = stages.TABLE[name][0]
    assert {module, "stages.base", "stages.records"} <= code.closure(module)
    assert len(keys.fingerprint(module)) == 64


def test_every_check_is_used_and_every_shape_has_its_own() -> None:
    written = {
        name
        for name, value in vars(testing).items()
        if inspect.isfunction(value)
        and list(inspect.signature(value).parameters) == ["cases", "folder"]
        and value.__module__ == testing.__name__
        and name != "check_stage"
    }
    assert written == {what for _, what in PAIRS} and len(written) == 13
    shapes = [
        sum(issubclass(stages.stage(name), shape) for name in NAMES)
        for shape in (Source, Transform, End)
    ]
    assert shapes == [8, 13, 4] and len(PAIRS) == 8 * 8 + 13 * 8 + 4 * 4
