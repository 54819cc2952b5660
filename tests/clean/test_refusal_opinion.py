"""A second opinion decides what the scorer is unsure of, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages.clean import refusal_opinion
from stages.clean.refusals import RefusalFilter
from stages.errors import UsageError

pytestmark = pytest.mark.extras
SURE = "I'm sorry, but I cannot help with that request."
UNSURE = "I would not recommend doing that."
PLAIN = "The tide rises twice a day."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of a few numbers, whose answer does not depend on the text."""
    return _classifier(tmp_path_factory.mktemp("classifier"), {0: "Non-refusal", 1: "Refusal"})


def _classifier(folder: Path, labels: dict[int, str]) -> Path:
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    words = {
        word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "sorry", "tide"])
    }
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=6, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, id2label=labels, label2id={name: n for n, name in labels.items()},
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 4.0][: len(labels)]))
    model.save_pretrained(folder)
    return folder


def _kept(stage: RefusalFilter, *texts: str) -> tuple[list[str], list[dict[str, Any]]]:
    rejects: list[dict[str, Any]] = []
    rows = stage([{"prompt": "Why?", "completion": text} for text in texts], rejects)
    return [row["completion"] for row in rows], rejects


def test_what_is_unsure_is_decided_by_the_model_and_what_is_sure_is_not(folder: Path) -> None:
    assert _kept(RefusalFilter(), UNSURE, SURE, PLAIN)[0] == [PLAIN]
    kept, rejects = _kept(RefusalFilter(model=str(folder)), UNSURE, SURE, PLAIN)
    assert kept == [PLAIN]
    scores = [json.loads(one["evidence"])["score"] for one in rejects]
    assert scores[0] == pytest.approx(0.982, abs=1e-3) != scores[1]


def test_the_other_label_is_never_taken_for_the_refusal(folder: Path, tmp_path: Path) -> None:
    turned = _classifier(tmp_path, {0: "REJECTION", 1: "NORMAL"})
    assert _kept(RefusalFilter(model=str(turned)), UNSURE)[0] == [UNSURE]
    opinion = refusal_opinion.opinion(str(folder), "cpu")
    found = opinion([("", "tide " * 3000), ("", ""), ("a", "sorry"), ("b", "x " * 70)])
    assert found == pytest.approx([0.982] * 4, abs=1e-3)


def test_the_files_of_the_model_are_what_the_verdicts_depend_on(folder: Path) -> None:
    names = [path.name for path in RefusalFilter(model=str(folder)).resources()]
    assert names[:4] == [
        "refusal_weights.json",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    assert [path.name for path in RefusalFilter().resources()] == ["refusal_weights.json"]


def test_a_model_that_knows_no_refusals_is_told_before_the_run(tmp_path: Path) -> None:
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"")
    for labels in ({"0": "NEGATIVE", "1": "POSITIVE"}, {"0": "no refusal"}, None):
        (tmp_path / "config.json").write_text(json.dumps({"id2label": labels}))
        (problem,) = RefusalFilter(model=str(tmp_path)).contradictions()
        assert "id2label" in problem and str(tmp_path) in problem
    (tmp_path / "tokenizer.json").unlink()
    assert "tokenizer.json" in RefusalFilter(model=str(tmp_path)).contradictions()[0]
    assert "no folder" in RefusalFilter(model="nowhere").contradictions()[0]
    with pytest.raises(UsageError, match="no folder"):
        list(RefusalFilter(model="nowhere")([{"prompt": "a", "completion": SURE}]))


def test_what_a_second_opinion_depends_on_is_part_of_the_key(folder: Path) -> None:
    alone, asked = RefusalFilter(), RefusalFilter(model=str(folder))
    assert alone.exact and not alone.libraries and not RefusalFilter.libraries
    assert not asked.exact and {"torch", "transformers"} <= {*asked.libraries}
    assert "refusal" in alone.stays and "refusal" not in RefusalFilter(by="phrases").stays
