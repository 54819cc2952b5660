"""Gopher's and C4's rules: each is broken by a text made for it, and by no sound document."""

from __future__ import annotations

import json

import pytest

from stages.clean.published import Rules, broken
from stages.clean.quality import QualityFilter

DOCUMENT = """The harbour of the island was built when boats came with salt and left with fish.
Every spring a crew walks along the mole, looks for cracks, and fills them before storms return.
Most visitors have heard that the old lamp burned oil, but few of them know who carried it upstairs.
Her name was Ida Hale; she kept a diary with the weather, prices of rope and what her cat had eaten.
To this day the school reads one page of it each winter, and children draw ships that she counted.
Nobody can say for certain where the second book went after her nephew sold the house by the quay.
Some believe it lies under the floor of a shed, others that a collector took it abroad one day."""


@pytest.mark.parametrize("rules", ["own", "gopher", "c4"])
def test_a_sound_document_breaks_no_rule(rules: Rules) -> None:
    assert broken(rules, DOCUMENT) is None


@pytest.mark.parametrize(
    ("rules", "text", "rule"),
    [
        ("gopher", "the cat and the dog", "words"),
        ("gopher", "the a of b " * 60, "mean word length"),
        ("gopher", DOCUMENT.replace(" ", "seventeenletters "), "mean word length"),
        ("gopher", DOCUMENT.replace(" the ", " # the # "), "# to words"),
        ("gopher", DOCUMENT.replace(" the ", " the... of... "), "... to words"),
        ("gopher", "- " + DOCUMENT.replace("\n", "\n- "), "lines with a bullet"),
        ("gopher", DOCUMENT.replace(".", " …"), "lines with an ellipsis"),
        ("gopher", DOCUMENT + " 1234" * 70, "words with a letter"),
        ("gopher", " ".join(f"word{n} goes{n}" for n in range(60)), "kinds of stop words"),
        ("gopher", (DOCUMENT[:200] + "\n") * 3 + DOCUMENT[:300], "repeated lines"),
        ("gopher", DOCUMENT + " and of" * 60, "most frequent 2-gram"),
        ("gopher", DOCUMENT + "\n" + DOCUMENT.replace("\n", " "), "repeated 5-grams"),
        ("c4", DOCUMENT + "\nLorem ipsum dolor.", "lorem ipsum"),
        ("c4", DOCUMENT + "\nint main() {", "curly bracket"),
        ("c4", DOCUMENT.replace(".", ""), "sentences in whole lines"),
        (
            "c4",
            "Go on.\nStay.\nRun now.\nWe use cookies on all of these pages.",
            "sentences in whole lines",
        ),
    ],
)
def test_each_rule_is_broken_by_a_text_made_for_it(rules: Rules, text: str, rule: str) -> None:
    found = broken(rules, text)
    assert found is not None and found.rule == rule and found.score != found.limit


def test_the_rules_take_the_place_of_the_limits_and_the_evidence_names_them() -> None:
    rows = [
        {"text": DOCUMENT},
        {"text": "An answer."},
        {"text": "{ } " + " ".join(f"a{n}b" for n in range(70))},
    ]
    for rules, reasons in (("gopher", [1, 2]), ("c4", [1, 2]), ("own", [])):
        rejects: list[dict[str, str]] = []
        kept = QualityFilter(rules=rules)(rows, rejects)
        assert len(list(kept)) == 3 - len(reasons)
        assert [one["reason"] for one in rejects] == ["published"] * len(reasons)
        assert all(json.loads(one["evidence"])["rule"] for one in rejects)
