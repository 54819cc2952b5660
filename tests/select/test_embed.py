"""Embed: the same vectors whatever the batch, the models' own results, and what has no vector."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.alone import embed
from pipeline.engine.content import FileHashes
from pipeline.engine.keys import base_key
from stages.records import SCHEMA, to_table
from stages.select import encoders
from stages.select.embed import Embed
from tests.cases.embed import RECORDS

TEXTS = [
    "When should peas be sown?",
    "At what time of the year does one plant peas?",
    "My card was swallowed by the machine at the bank.",
    "x",
    "beans " * 700,
    "Erbsen säen, 豌豆 🌱",
]


def vectors(stage: Embed, rows: list[dict[str, Any]]) -> tuple[list[Any], int]:
    table = to_table([{"id": str(n), **row} for n, row in enumerate(rows)], SCHEMA)
    split = stage.split(table)
    assert split.kept.schema.field("vector").type == stage.makes()["vector"]
    return split.kept["vector"].to_pylist(), split.counts.inapplicable


@pytest.mark.parametrize("model", ["wordllama", "minilm"])
def test_a_vector_is_of_unit_length_and_independent_of_its_batch(model: str) -> None:
    stage = Embed(model=model, tokens=64)
    together, _ = vectors(stage, [{"text": text} for text in TEXTS])
    for text, vector in zip(TEXTS, together, strict=True):
        alone, _ = vectors(stage, [{"text": text}])
        assert np.abs(np.array(vector, float) - np.array(alone[0], float)).max() < 1e-3
        assert np.linalg.norm(np.array(vector, float)) == pytest.approx(1, abs=2e-3)
    found = embed(TEXTS, model, 64)
    assert np.array_equal(found, np.array(together, dtype=np.float32))
    assert found[0] @ found[1] > found[0] @ found[2] + 0.2


def test_wordllama_gives_the_vectors_of_its_own_package() -> None:
    wordllama = pytest.importorskip("wordllama")
    root = Path(wordllama.__file__).parent
    theirs = wordllama.WordLlama.load(cache_dir=root, disable_download=True)
    expected = theirs.embed([" ".join(text.split()) for text in TEXTS], norm=True)
    assert np.abs(embed(TEXTS) - expected).max() < 1e-3


def test_white_space_does_not_matter_to_wordllama() -> None:
    one, other = embed(["sow  peas\n\tin spring ", "sow peas in spring"])
    assert np.array_equal(one, other)


def test_without_the_view_or_a_token_the_vector_is_null_and_counted() -> None:
    found, inapplicable = vectors(Embed(), RECORDS)
    assert [vector is None for vector in found] == [False, False, True, True] + [False] * 4
    assert inapplicable == 2
    found, inapplicable = vectors(Embed(on="output"), RECORDS)
    assert [vector is None for vector in found] == [True] * 6 + [False] * 2
    assert inapplicable == 6
    assert found[6] == found[7]
    assert not embed(["", " "]).any()


def test_the_key_depends_on_the_files_of_the_model(tmp_path: Path) -> None:
    model = tmp_path / "model"
    for path in encoders.files("minilm"):
        target = model / path.relative_to(encoders.files("minilm")[0].parent)
        target.parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(path, target)
    stage = Embed(model=str(model))

    def key() -> str:
        return base_key(stage, FileHashes(tmp_path / "hashes.json"))

    before = key()
    assert key() == before
    for path in stage.resources():
        text = path.read_bytes()
        path.write_bytes(text + b" ")
        assert key() != before, path.name
        path.write_bytes(text)
    assert key() == before
    names = {path.name for path in stage.resources()}
    assert {"model.safetensors", "tokenizer.json", "config.json"} <= names


def test_the_vectors_are_as_wide_as_the_models() -> None:
    assert Embed(model="minilm").makes()["vector"] == pa.list_(pa.float16(), 384)


def test_a_folder_is_read_as_the_model_that_it_holds(tmp_path: Path) -> None:
    for path in encoders.files("minilm"):
        target = tmp_path / path.relative_to(encoders.files("minilm")[0].parent)
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(path)
    mean = embed(TEXTS[:2], str(tmp_path))
    assert np.array_equal(mean, embed(TEXTS[:2], "minilm"))
    pooling = tmp_path / "1_Pooling" / "config.json"
    pooling.unlink()
    pooling.write_text(json.dumps({"pooling_mode_cls_token": True}))
    first = embed(TEXTS[:2], str(tmp_path))
    assert np.abs(first - mean).max() > 0.01


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    (problem,) = Embed(model=str(tmp_path)).contradictions()
    assert "config.json, model.safetensors, tokenizer.json" in problem
    (problem,) = Embed(model="./nothing").contradictions()
    assert "say wordllama, minilm, or a folder" in problem
    assert Embed().contradictions() == ()
