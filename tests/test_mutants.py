"""The lists of mutations are true to the code: each place stands once, each test exists."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from tests.mutants import FIELDS, Mutant, mutants
from tests.mutants.mutant import HOME

ALL = [mutant for field in FIELDS for mutant in mutants(field)]


def test_there_are_enough_and_each_is_one() -> None:
    assert len(ALL) >= 120
    assert len({(m.file, m.old, m.new) for m in ALL}) == len(ALL)
    assert [what for what, times in Counter(m.what for m in ALL).items() if times > 1] == []


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.what)
def test_a_mutation_has_its_place_and_its_tests(mutant: Mutant) -> None:
    before = (HOME / mutant.file).read_text(encoding="utf-8")
    after = mutant.changed()
    if mutant.file.endswith(".py"):
        assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(before))
    else:
        assert after != before
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (HOME / file).is_file(), test
        name = name.partition("[")[0].rpartition("::")[2]
        assert re.search(rf"^ *(async )?def {name}\b", (HOME / file).read_text(), re.M), test
