"""The tokens corpus as training sees it, and what is written of a training; no model is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.corpus import write_corpus
from stages.records import REJECTS
from stages.train import bases, model_card, samples
from stages.train.data import read_documents
from stages.train.plan import order
from tests.cases.train import SCHEMA, counting, tiny_corpus


def corpus_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    write_corpus(path, "tokens", [(table, REJECTS.empty_table())], {})
    return path


def test_targets_are_the_masked_tokens_without_the_first_token(tmp_path: Path) -> None:
    base = {"split": "train", "input_ids": list(range(10, 20)), "length": 10}
    masks = {
        "ranges": [0, 1, 2, 5, 6],
        "cut": range(4, 10),
        "behind": [8, 9],
        "first": [0],
        "val": range(10),
    }
    rows = [
        {**base, "id": name, "loss_mask": [place in wanted for place in range(10)]}
        for name, wanted in masks.items()
    ]
    rows[-1]["split"] = "val"
    documents = read_documents(corpus_of(tmp_path / "c", rows), "train", 8)
    assert documents.ids == ["ranges", "cut"]
    assert documents.lengths.tolist() == [8, 8] and documents.targets.tolist() == [4, 4]
    assert (documents.cut, documents.empty) == (2, 2)
    whole = read_documents(tmp_path / "c", "train")
    assert whole.lengths.tolist() == [10, 10, 10] and (whole.cut, whole.empty) == (0, 1)
    for number, wanted in enumerate(([1, 2, 5, 6], [4, 5, 6, 7])):
        ids, mask = documents.tokens(number)
        assert ids.tolist() == list(range(10, 18)) and np.flatnonzero(mask).tolist() == wanted


@pytest.mark.parametrize("kind", [pa.uint8(), pa.uint16(), pa.uint32(), pa.int32()], ids=str)
def test_ids_are_views_of_the_file_and_masks_its_bits(tmp_path: Path, kind: pa.DataType) -> None:
    rows = [
        {"id": f"{number}", "split": ("train", "val")[number % 5 == 3], **counting(number, length)}
        for number, length in enumerate([1, 7, 8, 9, 64, 3, 17, 5, 2, 31])
    ]
    at = SCHEMA.get_field_index("input_ids")
    schema = SCHEMA.set(at, pa.field("input_ids", pa.list_(kind)))
    table = pa.Table.from_pylist(rows, schema=schema)
    write_corpus(tmp_path / "c", "tokens", [(table, REJECTS.empty_table())], {})
    documents = read_documents(tmp_path / "c", "train", 99)
    kept = [row for row in rows if row["split"] == "train" and any(row["loss_mask"][1:])]
    assert documents.ids == [row["id"] for row in kept] and len(kept) > 4
    for number, row in enumerate(kept):
        ids, wanted = documents.tokens(number)
        again = documents.tokens(number)[0]
        assert ids.dtype == kind.to_pandas_dtype() and np.shares_memory(ids, again)
        assert not ids.flags.owndata and not ids.flags.writeable
        assert ids.tolist() == row["input_ids"]
        assert wanted.tolist() == [False, *row["loss_mask"][1:]]


def test_rows_of_all_pieces_are_read(tmp_path: Path) -> None:
    documents = read_documents(tiny_corpus(tmp_path / "c"), "train", 99)
    assert len(documents) == 24 and int(documents.lengths[20]) == 6 + 100 % 17
    assert documents.tokens(20)[0].tolist() == counting(20, 6 + 100 % 17)["input_ids"]


def test_the_card_tells_the_losses_before_and_after(tmp_path: Path) -> None:
    summary = {
        "base": "b", "method": "lora", "val_loss_first": 2.5, "val_loss_last": 1.25,
        "records_train": 1000, "records_val": 20, "epochs": 3, "steps": 7, "trained_tokens": 5,
        "trainable_parameters": 6, "device": "cpu", "precision": "fp32",
    }  # fmt: skip
    card = model_card.text(summary, {"rank": 4}, [], bases.name_of("o/m"), True)
    assert "| validation loss before training | 2.5000 nats a token |" in card
    assert "| validation loss after training | 1.2500 nats a token |" in card
    assert "| records for training | 1,000 |" in card
    assert "| epochs, optimizer steps | 3, 7 |" in card


def test_samples_are_told_before_and_after() -> None:
    one = {"prompt": "p", "reference": "r"}
    (told,) = samples.paired([{**one, "completion": "first"}], [{**one, "completion": "last"}])
    assert told == {**one, "before": "first", "after": "last"}


def test_a_budget_takes_whole_records_by_hash_and_no_more_tokens(tmp_path: Path) -> None:
    documents = read_documents(tiny_corpus(tmp_path / "c"), "train", 99)
    numbers = order(documents.ids, 3, -1)
    some = documents.fitting(100, numbers)
    assert 0 < len(some) < len(documents)
    assert int(some.lengths.sum()) <= 100 < int(some.lengths.sum()) + documents.lengths.max()
    exact = int(documents.lengths[numbers[:5]].sum())
    assert [len(documents.fitting(exact + more, numbers)) for more in (-1, 0, 1)] == [4, 5, 5]
    assert set(some.ids) == {documents.ids[number] for number in numbers[: len(some)]}
    place = documents.ids.index(some.ids[-1])
    assert some.tokens(len(some) - 1)[0].tolist() == documents.tokens(place)[0].tolist()
