"""Benchmarks are run by hand; here they are only seen to fit the code that they measure."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import benchmarks

HOME = Path(__file__).resolve().parent.parent
MODULES = [
    module.name
    for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_finds_what_it_imports(name: str) -> None:
    module = importlib.import_module(name)
    assert not name.rpartition(".")[2].startswith("bench_") or callable(module.main)


def test_results_are_of_benchmarks_that_there_are() -> None:
    names = {name.rpartition(".")[2].removeprefix("bench_") for name in MODULES}
    results = {path.stem for path in (HOME / "benchmarks/results").glob("*.txt")}
    assert {result for result in results if result.partition("-")[0] not in names} == set()
