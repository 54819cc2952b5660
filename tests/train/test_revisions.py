"""Token curves of checkpoints: which step each is of, and that a curve is what each model says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli import command
from stages.errors import UsageError
from stages.train.revisions import Checkpoint, checkpoints
from tests.train.talking import adapter_beside, talking_model
from tests.train.test_curves_tool import parts_of

TEXT = "The cat sat on the mat.\n\nThe dog did not: it's </script> that it stood.\n"


@pytest.mark.parametrize(
    ("said", "steps", "axis"),
    [
        (["runs/step1000", "runs/step0", "runs/step16"], [0, 16, 1000], "step"),
        (["owner/name@step512", "owner/name@step8"], [8, 512], "step"),
        (["out/checkpoint-500", "out/checkpoint-1500"], [500, 1500], "step"),
        (["m-7b-step_20-of-40", "m-7b-step_40-of-40"], [20, 40], "step"),
        (["m/100", "m/20"], [20, 100], "step"),
        (["m/base", "m/step5"], [0, 1], "checkpoint"),
    ],
)
def test_a_checkpoint_is_of_the_step_in_its_name(
    said: list[str], steps: list[int], axis: str
) -> None:
    found, called = checkpoints(said)
    assert ([one.step for one in found], called) == (steps, axis)
    if axis == "checkpoint":  # the order is the user's
        assert found == [Checkpoint("m/base", 0), Checkpoint("m/step5", 1)]


def test_two_of_one_step_are_a_mistake() -> None:
    with pytest.raises(UsageError, match="both of step 5: name one"):
        checkpoints(["a/step5", "b/checkpoint-5"])


def test_curves_of_checkpoints_are_the_losses_of_each_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM

    base = talking_model(tmp_path / "step10")
    adapter = adapter_beside(base, tmp_path / "step20")
    other = talking_model(tmp_path / "step0", seed=5)
    text, page = tmp_path / "text.txt", tmp_path / "page.html"
    text.write_text(TEXT)
    words = ["curves", "--checkpoints", str(base), str(other), str(adapter), "--text", str(text)]
    assert command([*words, "-o", str(page), "--projection", "pca"]) == 0, capsys.readouterr().err
    parts = parts_of(page)
    about, texts, ids = parts["tokens"], parts["texts"], parts["ids"]
    assert isinstance(about, dict) and isinstance(texts, list) and isinstance(ids, np.ndarray)
    assert about["steps"] == [0, 10, 20] and about["axis"] == "step"
    assert "".join(texts[number] for number in ids).strip() == TEXT.strip()
    count = about["count"]
    assert len(ids) - count == len(about["records"])  # all but the first of each passage
    # The mean of the first and last model, by transformers alone.
    from tokenizers import Tokenizer

    passages = [f"{one}\n\n" for one in TEXT.strip().split("\n\n")]
    encoded = Tokenizer.from_file(str(base / "tokenizer.json")).encode("".join(passages)).ids
    for at, folder in ((0, other), (1, base)):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        with torch.no_grad():
            row = torch.tensor([encoded])
            loss = float(model(row, labels=row).loss)
        assert about["mean"][at] == pytest.approx(loss, abs=1e-4)
    assert about["mean"][2] != about["mean"][1]  # the adapter is on
    assert "passages of text.txt" in json.dumps(about["notes"])
    out = capsys.readouterr().out
    assert f"page       {page}" in out


def test_checkpoints_of_other_models_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    one = talking_model(tmp_path / "step1")
    small = talking_model(tmp_path / "step2", vocab_size=64)
    page = tmp_path / "page.html"
    assert command(["curves", "--checkpoints", str(one), str(small), "-o", str(page)]) == 2
    assert "step2 knows 64 tokens" in capsys.readouterr().err
    assert not page.exists()
