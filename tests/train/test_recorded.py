"""What a training records is what the model says of the records, by the schema of the docs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages import Train
from stages.corpus import write_corpus
from stages.records import REJECTS
from stages.train import model as models
from stages.train import retention
from stages.train.course import Course
from stages.train.data import documents_of, read_documents
from stages.train.measure import measured
from stages.train.spelling import Spelling
from tests.cases.train import SCHEMA, counting, recorded, tiny, tiny_corpus, tiny_model, train

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = pytest.mark.extras

TRAIN, VAL = 12, 4


def with_tokenizer(folder: Path) -> Path:
    """A tiny model whose tokens are bytes."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    path = tiny_model(folder, vocabulary=256)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path / "tokenizer.json"))
    return path


def labelled(path: Path) -> Path:
    """A corpus of two sources, two clusters and a group of two records."""
    schema = pa.schema(
        [*SCHEMA, ("source", pa.string()), ("cluster", pa.int32()), ("group", pa.string())]
    )
    rows = []
    for number in range(TRAIN + VAL):
        rows.append(
            {
                "id": f"{number:032x}",
                "split": "train" if number < TRAIN else "val",
                "source": "one" if number % 3 else "two",
                "cluster": None if number in (1, 7) else number % 2,
                "group": "twins" if number in (2, 5) else f"g{number}",
                **counting(number, 6 + (number * 5) % 17),
            }
        )
    table = pa.Table.from_pylist(rows, schema=schema)
    write_corpus(path, "tokens", [(table, REJECTS.empty_table())], {"sources": [], "counts": {}})
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Train]:
    """(folder of the run, its corpus, its settings): two epochs, dropout off."""
    folder = tmp_path_factory.mktemp("recorded")
    with_tokenizer(folder)
    source = labelled(folder / "c")
    stage = tiny(folder, epochs=2, batch=3, dropout=0.0, probe_tokens=60, base_losses="all",
                 retention_tokens=300)  # fmt: skip
    return train(stage, source, folder), source, stage


def lines_of(out: Path, split: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    return [line for line in lines if line["split"] == split]


def under_the_base(stage: Train, number: int) -> Any:
    """Logits and targets of a record under the untouched model."""
    base = models.load_base(Path(stage.model), "lora", "fp32", "cpu")
    ids = torch.tensor(counting(number, 6 + (number * 5) % 17)["input_ids"])
    with torch.no_grad():
        return base(input_ids=ids[None]).logits[0, 2:-1].double(), ids[3:]


def test_the_points_of_the_probe_are_early_regular_and_at_ends_of_epochs(made: Any) -> None:
    out, *_ = made
    facts = json.loads((out / "recorded/recorded.json").read_text())
    assert [point["step"] for point in facts["points"]] == [0, 1, 2, 4, 6, 8]
    assert [line["step"] for line in lines_of(out, "val")] == [0, 2, 4, 6, 8]
    last, tokens = facts["points"][-1], sum(row["length"] for row in _side(out, "train"))
    assert (last["epoch"], last["seen"]) == (2.0, 2 * tokens)
    assert last["trained"] == 2 * sum(row["targets"] for row in _side(out, "train"))


def _side(out: Path, split: str) -> list[dict[str, Any]]:
    return [row for row in recorded(out, "records.arrow") if row["split"] == split]


def test_probe_losses_are_those_of_each_token(made: Any) -> None:
    out, _, stage = made
    probe = recorded(out, "probe.arrow")
    losses = np.load(out / "recorded/probe.npy")
    facts = json.loads((out / "recorded/recorded.json").read_text())["probe"]
    assert losses.dtype == np.float16 and losses.shape == (6, facts["tokens"])
    assert {row["split"] for row in probe} == {"train", "val"}
    for row in probe:
        logits, targets = under_the_base(stage, row["record"])
        wanted = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        here = slice(row["first"], row["first"] + row["count"])
        assert losses[0, here].tolist() == pytest.approx(wanted.tolist(), abs=4e-3)
        assert row["input_ids"] == counting(row["record"], len(row["input_ids"]))["input_ids"]
        assert row["targets"] == [place >= 3 for place in range(len(row["input_ids"]))]
        spelled = Spelling(stage.model).text(np.array(row["input_ids"]))
        assert "".join(row["pieces"]) == spelled and len(row["pieces"]) == len(row["targets"])
    for split in ("train", "val"):
        columns = [c for row in probe if row["split"] == split
                   for c in range(row["first"], row["first"] + row["count"])]  # fmt: skip
        means = losses[:, columns].astype(float).mean(axis=1)
        told = [line["loss"] for line in lines_of(out, f"probe_{split}")]
        assert means.tolist() == pytest.approx(told, abs=2e-3)
        held = sum(row["length"] for row in _side(out, split) if row["probed"])
        more = min(row["length"] for row in _side(out, split) if not row["probed"])
        assert held <= 30 < held + more + 16, "half of the tokens that were asked for"


def test_visits_are_the_losses_of_the_records_of_each_step(made: Any) -> None:
    out, source, stage = made
    documents = read_documents(source, "train")
    course, visits = Course(stage, documents, 40), recorded(out, "visits.arrow")
    for line in lines_of(out, "train"):
        here = [row for row in visits if row["step"] == line["step"]]
        chosen = course.step(line["step"] - 1)
        assert sorted(row["record"] for row in here) == sorted(chosen.numbers)
        whole = sum(row["loss"] * documents.targets[row["record"]] for row in here)
        assert whole / line["tokens"] == pytest.approx(line["loss"], abs=1e-5)
    assert len(visits) == 2 * TRAIN


def test_base_losses_and_what_is_over_them(made: Any) -> None:
    out, _, stage = made
    rows = _side(out, "train")
    for number, row in enumerate(rows):
        logits, targets = under_the_base(stage, number)
        wanted = torch.nn.functional.cross_entropy(logits, targets)
        assert row["base"] == pytest.approx(float(wanted), abs=1e-4)
    visits = recorded(out, "visits.arrow")
    for line in lines_of(out, "train"):
        here = [row for row in visits if row["step"] == line["step"]]
        over = sum(
            (row["loss"] - rows[row["record"]]["base"]) * rows[row["record"]]["targets"]
            for row in here
        )
        assert line["paired"] == line["tokens"]
        assert line["excess"] == pytest.approx(over / line["paired"], abs=1e-5)
    first = [row for row in visits if row["step"] == 1]
    assert all(row["loss"] == pytest.approx(rows[row["record"]]["base"], abs=1e-4) for row in first)
    assert [row["measured"] for row in rows] == [2] * TRAIN
    assert all(row["base"] is None for row in _side(out, "val"))


def test_accuracy_confidence_entropy_and_bits_of_validation(made: Any) -> None:
    out, _, stage = made
    rows = [row for row in recorded(out, "evaluations.arrow") if row["step"] == 0]
    assert [row["record"] for row in rows] == list(range(TRAIN, TRAIN + VAL))
    whole = {name: 0.0 for name in ("loss", "accuracy", "confidence", "entropy")}
    count, text = 0, 0
    for row in rows:
        logits, targets = under_the_base(stage, row["record"])
        told = torch.distributions.Categorical(logits=logits)
        right = (logits.argmax(-1) == targets).double()
        wanted = {
            "loss": -told.log_prob(targets), "accuracy": right, "confidence": told.probs.max(-1)[0],
            "entropy": told.entropy(),
        }  # fmt: skip
        for name, values in wanted.items():
            assert row[name] == pytest.approx(float(values.mean()), abs=1e-4), name
            whole[name] += float(values.sum())
        count += len(targets)
        text += len(Spelling(stage.model).text(targets.numpy()).encode())
    line = lines_of(out, "val")[0]
    for name, total in whole.items():
        assert line[name] == pytest.approx(total / count, abs=1e-5), name
    assert count <= text < 3 * count, "some bytes are no text by themselves"
    sizes = [row["bytes"] for row in _side(out, "val")]
    assert sum(sizes) == count, "a token is a byte here"
    bits = whole["loss"] / math.log(2) / count
    assert line["bits_per_byte"] == pytest.approx(bits, abs=1e-5)


def test_retention_is_measured_on_other_text(made: Any) -> None:
    out, _, stage = made
    facts = json.loads((out / "recorded/recorded.json").read_text())["retention"]
    lines = lines_of(out, "retention")
    assert facts["name"] == "general" and facts["license"] == "Apache-2.0"
    assert [line["step"] for line in lines] == [0, 2, 4, 6, 8]
    assert {line["tokens"] for line in lines} == {facts["tokens"]} and facts["tokens"] <= 300
    text = retention.read("general", stage.model, Path(stage.model))
    assert text is not None
    base, whole = models.load_base(Path(stage.model), "lora", "fp32", "cpu"), 0.0
    for number in range(facts["passages"]):
        ids, wanted = text.passages.tokens(number)
        assert wanted.tolist() == [False] + [True] * (len(ids) - 1)
        with torch.no_grad():
            logits = base(input_ids=torch.tensor(ids.astype(np.int64))[None]).logits[0, :-1]
        targets = torch.tensor(ids[1:].astype(np.int64))
        whole += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
    assert lines[0]["loss"] == pytest.approx(whole / facts["tokens"], abs=1e-4)


def test_losses_by_source_cluster_and_group(made: Any) -> None:
    out, *_ = made
    groups = recorded(out, "groups.arrow")
    records, visits = recorded(out, "records.arrow"), recorded(out, "visits.arrow")
    assert {(row["by"], row["name"]) for row in groups} == {
        ("source", "one"), ("source", "two"), ("cluster", "0"), ("cluster", "1"),
        ("group", "twins"),
    }  # fmt: skip
    assert {row["step"] for row in groups if row["split"] == "train"} == {4, 8}
    assert {row["step"] for row in groups if row["split"] == "val"} == {0, 2, 4, 6, 8}
    for row in (row for row in groups if row["split"] == "train"):
        here = [
            (visit["loss"], records[visit["record"]]) for visit in visits
            if row["step"] - 4 < visit["step"] <= row["step"]
            and records[visit["record"]][row["by"]] == row["name"]
        ]  # fmt: skip
        tokens = sum(record["targets"] for _, record in here)
        loss = sum(loss * record["targets"] for loss, record in here) / tokens
        base = sum(record["base"] * record["targets"] for _, record in here) / tokens
        assert (row["records"], row["targets"]) == (len(here), tokens)
        assert row["loss"] == pytest.approx(loss, abs=1e-5)
        assert row["base"] == pytest.approx(base, abs=1e-5)


def test_the_worst_records_come_first_and_short_ones_are_drawn_to_the_mean(made: Any) -> None:
    out, *_ = made
    lines = (out / "recorded/worst.jsonl").read_text().splitlines()
    worst = [json.loads(line) for line in lines]
    rows = recorded(out, "records.arrow")
    total = sum(row["targets"] for row in rows)
    mean = sum(row["last"] * row["targets"] for row in rows) / total
    scores = {r["id"]: (r["last"] * r["targets"] + 16 * mean) / (r["targets"] + 16) for r in rows}
    assert [one["id"] for one in worst] == sorted(scores, key=lambda name: -scores[name])
    assert all(one["score"] == pytest.approx(scores[one["id"]], abs=1e-5) for one in worst)
    assert all(isinstance(one["text"], str) and one["text"] for one in worst)


def test_nothing_is_measured_beside_validation_where_nothing_is_asked_for(tmp_path: Path) -> None:
    source = tiny_corpus(tmp_path / "c")
    out = train(tiny(tmp_path, epochs=1, measure=0.0), source, tmp_path)
    facts = json.loads((out / "recorded/recorded.json").read_text())
    assert facts["points"] == [] and facts["base"]["records"] == 0 and facts["retention"] is None
    assert np.load(out / "recorded/probe.npy").shape == (0, 0)
    splits = {json.loads(line)["split"] for line in (out / "curve.jsonl").read_text().splitlines()}
    assert splits == {"train", "val"} and len(recorded(out, "visits.arrow")) == 24


def test_what_is_measured_costs_the_share_that_it_may(tmp_path: Path) -> None:
    documents = documents_of([np.arange(40)] * 600, [f"{number:032x}" for number in range(600)])
    passages = documents_of([np.arange(50)] * 100, [f"{number}" for number in range(100)])
    for share, method, passes in ((0.03, "full", 3), (0.3, "lora", 2)):
        work = passes * 3 * 600 * 40
        given: dict[str, Any] = {"measure": share, "method": method}
        course = Course(Train(epochs=3, batch=8, **given), documents, 0)
        found = measured(course, documents.only(range(90)), passages)
        heavy = measured(course, documents.only(range(90)), passages, head=4.0)
        base = 40 * len(found.base)
        probe = 40 * (len(found.probe_train) + len(found.probe_val)) * course.points
        kept = int(found.retention.lengths.sum()) * course.evaluations
        for part in (base, probe, kept):
            assert 0.5 * share * work / 3 < part <= share * work / 3
        # Where logits are most of the work, six of each target's in the place of four in training.
        assert len(heavy.base) / len(found.base) == pytest.approx(5 / 7, abs=0.05)
    wanted = {0, 1, 2, 4, 8, 16, 32, 64, 128, 38, 76, 114, 152, 190, 225, 75, 150}
    assert {done for done in range(course.total + 1) if course.probes(done)} == wanted
    assert course.points == len(wanted)


def test_pieces_of_tokens_join_to_the_text_whatever_tokens_cut() -> None:
    spelling = Spelling("smollm2")
    text = "naïve 🙂🙃 mañana\n<|im_end|>\u4e2d\u6587 end"
    ids = np.array(spelling._tokenizer.encode(text, add_special_tokens=False).ids)
    pieces = spelling.pieces(ids)
    assert len(pieces) == len(ids) and "".join(pieces) == text and "" in pieces
    assert spelling.size(ids) == len(text.replace("<|im_end|>", "").encode())
    half = spelling.pieces(ids[:4])
    assert "".join(half) == spelling.text(ids[:4])
