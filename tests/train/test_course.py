"""The course of a training, and that cutting a step otherwise changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages.train.course import Course
from stages.train.data import read_documents
from tests.cases.train import tiny, tiny_corpus, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras


def course(folder: Path, capacity: int = 40, processes: int = 1, **given: Any) -> Course:
    source = folder / "c"
    documents = read_documents(source if source.exists() else tiny_corpus(source), "train", 2048)
    return Course(tiny(folder, **given), documents, capacity, processes)


def curve(out: Path, side: str = "train") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    return [line for line in lines if line["split"] == side]


def test_every_step_of_an_epoch_has_its_documents_once(tmp_path: Path) -> None:
    made = course(tmp_path, epochs=2)
    assert (made.per_epoch, made.total) == (4, 8)
    for epoch in range(2):
        steps = [made.step(4 * epoch + at) for at in range(4)]
        assert sorted(n for one in steps for n in one.numbers) == list(range(24))
        for one in steps:
            assert sorted(n for row in one.rows for n in row) == sorted(one.numbers)
            assert one.targets == int(made.documents.targets[one.numbers].sum())
    assert made.step(0).numbers != made.step(4).numbers


@pytest.mark.parametrize(
    ("given", "processes", "steps"),
    [
        ({"batch": 6}, 1, 4),
        ({"batch": None}, 1, 3),  # 8
        ({"batch": None, "per_device_batch": 3, "accumulation": 2}, 1, 4),
        ({"batch": None, "per_device_batch": 3, "accumulation": 2}, 2, 2),
        ({"batch": 6, "max_steps": 5}, 1, 5),
        ({"batch": None, "batch_tokens": 10_000}, 1, 1),
    ],
)
def test_how_many_records_a_step_has(
    tmp_path: Path, given: dict[str, Any], processes: int, steps: int
) -> None:
    made = course(tmp_path, processes=processes, epochs=2, **given)
    assert (made.total if "max_steps" in given else made.per_epoch) == steps


def test_a_step_is_cut_into_as_many_rows_as_are_asked_for(tmp_path: Path) -> None:
    for wanted in (1, 2, 3):
        rows = course(tmp_path, batch=6, accumulation=wanted).step(0).rows
        assert [len(row) for row in rows] == [6 // wanted] * wanted
    assert len(course(tmp_path, capacity=0, batch=6, accumulation=2).step(0).rows) == 6


def test_validations_are_at_the_begin_at_epochs_and_at_the_end(tmp_path: Path) -> None:
    made = course(tmp_path, epochs=3, eval_every=5)
    assert [done for done in range(13) if made.evaluates(done)] == [0, 4, 5, 8, 10, 12]


def test_the_longest_row_is_the_longest(tmp_path: Path) -> None:
    made = course(tmp_path, epochs=1)
    tokens = [
        sum(int(made.documents.lengths[n]) for n in row)
        for at in range(made.per_epoch)
        for row in made.step(at).rows
    ]
    assert sum(int(made.documents.lengths[n]) for n in made.longest()) == max(tokens)


@pytest.mark.parametrize("attention", ["documents", "positions", "alone"])
def test_micro_batches_and_accumulation_change_no_loss(tmp_path: Path, attention: str) -> None:
    """Records of a micro-batch × accumulation: 4 × 1, 2 × 2, 1 × 4; the last step has fewer."""
    source = tiny_corpus(tmp_path / "c", train=10)
    wanted: list[tuple[float, float]] | None = None
    for micro, accumulation in ((4, 1), (2, 2), (1, 4)):
        stage = tiny(
            tmp_path, batch=None, per_device_batch=micro, accumulation=accumulation, dropout=0.0,
            attention=attention, epochs=2,
        )  # fmt: skip
        lines = curve(train(stage, source, tmp_path / f"{micro}"))
        found = [(line["loss"], line["grad_norm"]) for line in lines]
        assert [line["records"] for line in lines] == [3, 4, 3, 3, 4, 3]
        wanted = wanted or found
        for one, other in zip(found, wanted, strict=True):
            assert one == pytest.approx(other, rel=1e-4)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """With dropout: its bits belong to the row, not to the process that works on it."""
    from safetensors.torch import load_file

    source = tiny_corpus(tmp_path / "c")
    made = [
        train(tiny(tmp_path, processes=count, epochs=1), source, tmp_path / str(count))
        for count in (1, 2)
    ]
    one, two = (curve(out) for out in made)
    assert [line["loss"] for line in two] == pytest.approx([line["loss"] for line in one], rel=1e-5)
    val = [[line["loss"] for line in curve(out, "val")] for out in made]
    assert val[1] == pytest.approx(val[0], rel=1e-5)
    tensors = [load_file(out / "adapter_model.safetensors") for out in made]
    for name, value in tensors[0].items():
        assert float((value - tensors[1][name]).abs().max()) < 1e-4, name
    assert json.loads((made[1] / "summary.json").read_text())["processes"] == 2


def test_more_processes_than_rows_of_a_step(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c", train=3)
    stage = tiny(tmp_path, batch=1, processes=2, epochs=1)
    assert len(curve(train(stage, source, tmp_path))) == 3


@pytest.mark.parametrize("method", ["lora", "full"])
def test_fp16_scales_the_loss_and_learns(tmp_path: Path, method: str) -> None:
    source = tiny_corpus(tmp_path / "c")
    given: dict[str, Any] = {"epochs": 3, "method": method, "lr": 0.002, "dropout": 0.0}
    exact, half = (
        train(tiny(tmp_path, precision=precision, **given), source, tmp_path / precision)
        for precision in ("fp32", "fp16")
    )
    first, wanted = curve(half)[0]["loss"], curve(exact)[0]["loss"]
    assert first != wanted and abs(first - wanted) < 0.01
    assert curve(half)[0]["grad_norm"] == pytest.approx(curve(exact)[0]["grad_norm"], rel=0.05)
    followed, led = ([line["loss"] for line in curve(one, "val")] for one in (half, exact))
    assert followed == pytest.approx(led, abs=0.002)
    assert followed[-1] < followed[0] - 0.03


def test_the_best_validation_can_be_the_result(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    source = tiny_corpus(tmp_path / "c", train=6, val=6)
    given: dict[str, Any] = {"epochs": 40, "lr": 0.05, "batch": 6, "dropout": 0.0, "eval_every": 4,
                             "warmup": 0.0}  # fmt: skip
    last = train(tiny(tmp_path, **given), source, tmp_path / "last")
    best = train(tiny(tmp_path, result="best", **given), source, tmp_path / "best")
    losses = {line["step"]: line["loss"] for line in curve(best, "val") if line["step"]}
    step = min(losses, key=lambda at: losses[at])
    summary = json.loads((best / "summary.json").read_text())
    assert summary["result_step"] == step < summary["steps"], "it overfits"
    shorter = tiny(tmp_path, **{**given, "epochs": step})
    wanted = load_file(train(shorter, source, tmp_path / "short") / "adapter_model.safetensors")
    found = load_file(best / "adapter_model.safetensors")
    other = load_file(last / "adapter_model.safetensors")
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert not all(torch.equal(found[name], other[name]) for name in wanted)


def test_training_without_validation(tmp_path: Path) -> None:
    from stages.train import panels

    source = tiny_corpus(tmp_path / "c", val=0)
    out = train(tiny(tmp_path, validate=False, epochs=1), source, tmp_path)
    assert curve(out, "val") == [] and len(curve(out)) == 4
    summary = json.loads((out / "summary.json").read_text())
    assert summary["val_loss_first"] is None and summary["records_val"] == 0
    (out / "manifest.json").write_text(json.dumps({"summary": summary}))
    assert "training" in panels.lines(out)[1]
    assert "validation loss" not in (out / "README.md").read_text()


def test_a_few_validation_records_are_enough_when_asked(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    out = train(tiny(tmp_path, eval_limit=2, epochs=1), source, tmp_path)
    assert {line["records"] for line in curve(out, "val")} == {2}


def test_a_seed_is_drawn_and_recorded(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    seeds = set()
    for name in ("one", "two"):
        out = train(tiny(tmp_path, seed=-1, epochs=1), source, tmp_path / name)
        seed = json.loads((out / "summary.json").read_text())["seed"]
        again = train(tiny(tmp_path, seed=seed, epochs=1), source, tmp_path / f"{name} again")
        assert curve(again) == curve(out)
        seeds.add(seed)
    assert len(seeds) == 2


def test_divergence_names_the_records_of_its_step(tmp_path: Path) -> None:
    from stages.errors import StageFailed
    from stages.train import model as models

    source = tiny_corpus(tmp_path / "c")
    broken = models.load_base(tiny(tmp_path).resources()[0].parent, "full", "fp32", "cpu")
    with torch.no_grad():
        broken.model.embed_tokens.weight[13] = float("nan")
    broken.save_pretrained(tmp_path / "broken")
    stage = tiny(tmp_path, model=str(tmp_path / "broken"), batch=1, validate=False, samples=0)
    with pytest.raises(StageFailed, match="training diverged") as failed:
        train(stage, source, tmp_path)
    documents = read_documents(source, "train", 2048)
    named = [at for at, name in enumerate(documents.ids) if name in str(failed.value)]
    assert len(named) == 1 and 13 in documents.tokens(named[0])[0]


def test_memory_that_is_too_small_is_told_with_what_needs_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.errors import StageFailed
    from stages.train import training

    source = tiny_corpus(tmp_path / "c")

    def full(*given: Any, **more: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB\nmore")

    monkeypatch.setattr(training, "row_losses", full)
    with pytest.raises(StageFailed) as failed:
        train(tiny(tmp_path), source, tmp_path)
    said = str(failed.value)
    assert "out of memory on cpu in step 1, whose longest row has 40 tokens" in said
    assert " were reckoned for such a row; what needs less: " in said
    assert "micro_tokens: 22, checkpoint_layers: 1, method: qlora" in said and "\n" not in said
