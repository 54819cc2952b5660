"""Parameters: one function says for recipe, shell and library why a value does not fit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

from stages import check


@dataclass(frozen=True)
class Sample:
    """A class with parameters of every kind.

    flag: whether it is so.
    count: how many, pieces;
        the default is one. Source: counted.
    share: how much.
    mode: which way.
    name: what it is called, or none.
    words: several words.

    sizes: some sizes, or none.
    """

    kind: ClassVar[str] = "not a parameter"
    flag: bool = False
    count: int = field(default=1, metadata={"range": (0, 10)})
    share: float = field(default=0.5, metadata={"range": (0.0, 1.0)})
    mode: Literal["fast", "good"] = "fast"
    name: str | None = None
    words: tuple[str, ...] = ()
    sizes: tuple[int, ...] | None = None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", True),
        ("count", 10),
        ("share", 1),
        ("share", 0.0),
        ("mode", "good"),
        ("name", None),
        ("name", "x"),
        ("words", ["a", "b"]),
        ("words", ()),
        ("sizes", None),
        ("sizes", [1, 2]),
    ],
)
def test_what_fits_is_built_and_read_back(name: str, value: Any) -> None:
    assert check.problems_of(Sample, {name: value}) == {}
    built = check.build(Sample, {name: value})
    kept = check.as_json(built)[name]
    assert kept == (list(value) if isinstance(value, tuple) else value)
    assert check.build(Sample, check.as_json(built)) == built
    assert type(built.share) is float and isinstance(built.words, tuple)
    hash(built)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("flag", 1, "must be yes or no (True or False in Python), not 1"),
        ("flag", "yes", "must be yes or no (True or False in Python), not 'yes'"),
        ("count", True, "must be integer, not True"),
        ("count", 1.0, "must be integer, not 1.0"),
        ("count", 11, "must be between 0 and 10, not 11"),
        ("count", None, "must be integer, not None"),
        ("share", "0.5", "must be number, not '0.5'"),
        ("share", 1.01, "must be between 0 and 1, not 1.01"),
        ("share", math.nan, "must be between 0 and 1, not nan"),
        ("mode", "god", "must be one of fast, good, not 'god'; did you mean 'good'?"),
        ("mode", None, "must be one of"),
        ("name", 3, "must be text, not 3"),
        ("words", "a", "must be a list, not 'a'"),
        ("words", ["a", 1], "must be text, not 1"),
        ("sizes", ["a"], "must be integer, not 'a'"),
        ("nmae", 1, "has no parameter 'nmae'; did you mean 'name'?"),
        ("zzz", 1, "has no parameter 'zzz'"),
    ],
)
def test_what_does_not_fit_has_its_sentence(name: str, value: Any, words: str) -> None:
    problems = check.problems_of(Sample, {name: value, "count": 1} | {name: value})
    assert list(problems) == [name] and words in problems[name]


def test_a_list_without_brackets_is_told_with_its_remedy() -> None:
    # in YAML's braces `{sizes: 1, 2, 3}` has keys without values
    problems = check.problems_of(Sample, {"count": 1, "sizes": 1, "2": None, "3": None})
    assert problems["2"].endswith("; several values of one parameter are a list: sizes: [1, 2]")
    assert problems["3"].endswith("a list: sizes: [1, 2, 3]")
    problems = check.problems_of(Sample, {"count": 1, "words": ["a"], "b": None})
    assert problems["b"].endswith("words: [a, b]")
    for given in ({"count": 1, "2": 5}, {"2": None, "count": 1}, {"zzz": 1, "2": None, "count": 1}):
        assert check.problems_of(Sample, given)["2"].endswith("has no parameter '2'")


def test_help_comes_from_the_docstring() -> None:
    assert check.summary(Sample) == "A class with parameters of every kind."
    lines = check.help_lines(Sample)
    assert set(lines) == set(check.parameters(Sample))
    assert lines["count"] == "how many, pieces; the default is one. Source: counted."
    assert lines["words"] == "several words."


def test_types_have_names_that_people_read() -> None:
    names = {name: check.type_name(kind) for name, (kind, _) in check.parameters(Sample).items()}
    assert names == {
        "flag": "yes/no",
        "count": "integer",
        "share": "number",
        "mode": "fast | good",
        "name": "text or none",
        "words": "list of text",
        "sizes": "list of integer or none",
    }


def test_a_parameter_without_a_default_is_asked_for() -> None:
    @dataclass(frozen=True)
    class Needy:
        path: str

    assert "needs the parameter 'path'" in check.problems_of(Needy, {})["path"]
    assert check.problems_of(Needy, {"path": "x"}) == {}
