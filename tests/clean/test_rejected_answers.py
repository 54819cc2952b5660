"""What stages that mask or rewrite texts do to the worse answer of a preference pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stages import Deduplicate, JsonlExtract, Normalize, Pii, RefusalFilter
from stages.clean.markup import ConvertMarkup
from stages.export.formats import Shape, line_of
from stages.records import SCHEMA, to_table
from stages.tokens.tokenize import Tokenize

MAIL = "mara@kelp.example"
PLAIN = f"Ask {MAIL} about it."
SHOWN = "Ask [EMAIL] about it."


def pair(rejected: Any, number: int = 0) -> dict[str, Any]:
    said = {"prompt": "Who keeps the gauge?", "completion": "The harbour office does."}
    meta = {"rejected": rejected, "url": "tide"}
    return {"id": str(number), "source": "s", "place": "", **said, "meta": meta}


TALK = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": PLAIN}]
TURNS = [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": PLAIN}]


@pytest.mark.parametrize(
    "rejected", [PLAIN, TALK, TURNS, {"role": "assistant", "content": PLAIN}, json.dumps(TALK)]
)
@pytest.mark.parametrize("on", ["all", "output"])
def test_personal_data_of_a_rejected_answer_are_masked_and_counted(rejected: Any, on: Any) -> None:
    judged = Pii(on=on).split(to_table([pair(rejected)]))
    (row,) = judged.kept.to_pylist()
    assert MAIL not in row["meta"] and row["pii"] == 1
    assert line_of(row, "dpo", Shape(("prompt",)), "")["rejected"] == SHOWN
    assert json.loads(row["meta"])["url"] == "tide"
    assert judged.counts.text.removed == {"masked": len(MAIL)} and judged.counts.changed == 1
    assert judged.counts.text.kept == len(row["prompt"] + row["completion"])


def test_of_the_prompts_alone_a_rejected_answer_stays_as_it_is() -> None:
    (row,) = Pii(on="input").split(to_table([pair(PLAIN)])).kept.to_pylist()
    assert json.loads(row["meta"])["rejected"] == PLAIN and row["pii"] == 0


def test_a_column_of_rejected_answers_is_masked_too() -> None:
    schema = SCHEMA.append(pa.field("rejected", pa.string()))
    answers = (PLAIN, None, "Ask no one.")
    rows = [{**pair(None, number), "rejected": one} for number, one in enumerate(answers)]
    kept = Pii().split(to_table(rows, schema)).kept.to_pylist()
    assert [row["rejected"] for row in kept] == [SHOWN, None, "Ask no one."]
    assert [row["pii"] for row in kept] == [1, 0, 0]


def test_a_pair_that_is_dropped_for_its_rejected_answer_shows_nothing_of_it() -> None:
    judged = Pii(action="drop").split(to_table([pair(TALK), pair("Nobody.", 1)]))
    (reject,) = judged.rejects.to_pylist()
    evidence = json.loads(reject["evidence"])
    assert evidence["field"] == "meta.rejected[1].content" and evidence["match"] == "[EMAIL]"
    assert SHOWN in reject["text"] and MAIL not in reject["text"] + reject["evidence"]
    assert [row["id"] for row in judged.kept.to_pylist()] == ["1"]


def test_the_form_of_both_answers_agrees() -> None:
    decomposed, joined = "cafe\u0301 \u2014 au lait\u00a0!", "caf\u00e9 \u2014 au lait !"
    row = {**pair(decomposed), "completion": decomposed}
    (kept,) = Normalize().split(to_table([row])).kept.to_pylist()
    assert kept["completion"] == joined == json.loads(kept["meta"])["rejected"]
    (kept,) = ConvertMarkup().split(to_table([pair("<p>At <b>noon</b></p>")])).kept.to_pylist()
    assert json.loads(kept["meta"])["rejected"] == "At noon"


def test_pairs_that_differ_in_the_rejected_answer_alone_are_no_duplicates() -> None:
    rows = [pair(one, n) for n, one in enumerate(("Nobody.", "Somebody.", "Nobody."))]
    rejects: list[dict[str, Any]] = []
    kept = list(Deduplicate()(rows, rejects))
    assert [row["id"] for row in kept] == ["0", "1"] and rejects[0]["id"] == "2"
    assert len(list(Deduplicate(on="input")(rows, []))) == 1


def test_a_rejected_answer_is_none_that_is_judged_as_an_answer() -> None:
    refusal = "I'm sorry, but as an AI language model I cannot help with that request."
    rejects: list[dict[str, Any]] = []
    assert len(list(RefusalFilter()([pair(refusal)], rejects))) == 1 and not rejects
    assert not list(RefusalFilter()([{**pair("At noon."), "completion": refusal}], rejects))


def test_what_tokens_do_not_hold_of_a_pair_is_counted() -> None:
    counts = Tokenize(chat="plain").split(to_table([pair(PLAIN), pair(None, 1)])).counts
    assert counts.text.removed == {"rejected": len(PLAIN)}


def test_pairs_from_a_file_are_masked_on_both_sides(tmp_path: Path) -> None:
    line = {"prompt": "Who?", "chosen": f"{MAIL} does.", "rejected": PLAIN}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(line) + "\n")
    records = list(JsonlExtract()(str(tmp_path / "pairs.jsonl")))
    (row,) = Pii()(records)
    made = line_of(row, "dpo", Shape(("prompt",)), "")
    assert (made["chosen"], made["rejected"], row["pii"]) == ("[EMAIL] does.", SHOWN, 2)
