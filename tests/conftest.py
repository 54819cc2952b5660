"""What test modules share: the sample's data, one run of its recipe up to the tokens, settings.

Random tests are not judged by a clock, for machines differ.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

import stages
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from stages import user_code

# `make test` gives the same verdict twice; `make fuzz` draws anew, random tests only.
FUZZ = bool(os.environ.get("SEEDBED_FUZZ"))
settings.register_profile("seedbed", deadline=None, derandomize=not FUZZ)
settings.load_profile("seedbed")

HOME = Path(__file__).resolve().parent.parent

# The core passes its tests without the extras; what needs one is left out there, by name.
EXTRAS = {
    "cluster": ("torch", "wordllama"),
    "train": ("torch", "transformers"),
    "db": ("pg8000",),
    "documents": ("pypdfium2",),
}
MISSING = {
    extra
    for extra, modules in EXTRAS.items()
    if any(importlib.util.find_spec(module) is None for module in modules)
}
collect_ignore = [
    *(["train", "tokens"] if "train" in MISSING else []),
    *(["select/test_embed.py", "select/test_kmeans.py"] if "cluster" in MISSING else []),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an extra, or the embedded model, where it is not installed."""
    if FUZZ:
        items[:] = [item for item in items if hasattr(getattr(item, "obj", None), "hypothesis")]
    for item in items:
        if MISSING and item.get_closest_marker("extras"):
            item.add_marker(pytest.mark.skip(reason=f"needs the extras {sorted(MISSING)}"))
        callspec = getattr(item, "callspec", None)
        name = callspec.params.get("name") if callspec else None
        if not MISSING or name not in stages.TABLE:
            continue
        stage = stages.stage(name)
        lacks = stage().contradictions()
        if stage.extra in MISSING or lacks:
            reason = lacks[0] if lacks else f"the extra {stage.extra} is not installed"
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: no collection of garbage in a test need look at it."""
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """Commands called in this process look for the user's modules in the test's folder; no later
    test does."""
    if user_code.folders():
        user_code.look_in()


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of sample_data, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("a sample") / "sample_data"
    shutil.copytree(HOME / "sample_data", folder)
    return folder


@pytest.fixture(scope="session")
def sample_run(sample_data: Path) -> Path:
    """The folder of a run of the sample recipe without the training."""
    if MISSING & {"cluster", "train"}:
        pytest.skip("the sample recipe needs the extras cluster and train")
    recipe = read_recipe(sample_data / "recipe.yaml")
    steps = tuple(s for s in recipe.steps if s.stage.kind.name not in ("adapter", "findings"))
    assert len(steps) == len(recipe.steps) - 2
    return run_recipe(dataclasses.replace(recipe, steps=steps)).folder
