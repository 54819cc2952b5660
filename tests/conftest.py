"""What test modules share: the sample's data, one run of its recipe up to the tokens, settings.

Random tests are not judged by a clock, for machines differ.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline.recipe import read_recipe
from pipeline.run import run_recipe

settings.register_profile("seedbed", deadline=None)
settings.load_profile("seedbed")

HOME = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of sample_data, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("a sample") / "sample_data"
    shutil.copytree(HOME / "sample_data", folder)
    return folder


@pytest.fixture(scope="session")
def sample_run(sample_data: Path) -> Path:
    """The folder of a run of the sample recipe without the training."""
    recipe = read_recipe(sample_data / "recipe.yaml")
    steps = tuple(s for s in recipe.steps if s.stage.kind not in ("adapter", "findings"))
    assert len(steps) == len(recipe.steps) - 2
    return run_recipe(dataclasses.replace(recipe, steps=steps)).folder
