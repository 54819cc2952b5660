"""Encoders of others are used where they give the tokenizer's ids, and nowhere else."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine import jobs
from pipeline.engine.run import run_recipe
from pipeline.progress import Progress
from pipeline.recipe.checked import read_recipe
from stages import records
from stages.corpus import Corpus
from stages.errors import Changed, UsageError
from stages.tokens import encoders
from stages.tokens import model as models
from stages.tokens.encoders import Encoders, Flat, reference
from stages.tokens.tokenize import Tokenize
from tests.tokens import families

TEXTS = ["One.", "two 2", "", "tres…", "a  b\n\n1"]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two encoders of others, which are the tokenizer itself where a test does not spoil them."""
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(encoders, "LONG", 2_000)
    monkeypatch.setattr(
        encoders, "_candidates", lambda layout=None: iter([("first", "1.0"), ("second", "2.0")])
    )
    monkeypatch.setattr(encoders, "_MAKERS", {"first": _exact, "second": _exact})


def _exact(layout: str) -> Any:
    return reference(encoders._plain(json.loads(layout)))


def _spoiled(word: str) -> Any:
    """An encoder that errs at texts with a word."""

    def make(layout: str) -> Any:
        exact = _exact(layout)

        def encode(texts: Sequence[str]) -> Flat:
            ids, bounds = exact(texts)
            for at, text in enumerate(texts):
                if word in text:
                    ids[bounds[at]] += 1
            return ids, bounds

        return encode

    return make


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A small tokenizer's folder."""
    return str(families.folder(tmp_path, "chatml"))


def _record(model: str) -> dict[str, Any]:
    path = models.encoder_record(Path(model))
    assert path is not None
    return dict(json.loads(path.read_text()))


def _ids(model: str, text: str) -> list[int]:
    tokenizer = models.load_tokenizer(model)
    return [*tokenizer.encode(text).ids, tokenizer.token_to_id("<|im_end|>")]


def test_the_first_that_proves_itself_is_used(model: str) -> None:
    assert _record(model) == {"encoder": {"name": "first", "version": "1.0"}, "refused": []}
    assert Tokenize(model=model).facts()["encoder"] == "first 1.0"
    assert Tokenize(model=model).resources()[-1].parent.name == "encoders"


def test_an_encoder_that_errs_is_left_out(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    makers = {"first": _spoiled("\u2167"), "second": _exact}
    monkeypatch.setattr(encoders, "_MAKERS", makers)
    assert _record(model) == {"encoder": {"name": "second", "version": "2.0"}, "refused": ["first"]}


def test_one_that_panics_is_left_out_and_where_none_is_left_it_is_said(
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def panics(layout: str) -> Any:
        raise BaseException("a panic of another language")

    monkeypatch.setattr(encoders, "_MAKERS", {"first": panics, "second": _spoiled("\u00bd")})
    assert _record(model) == {"encoder": None, "refused": ["first", "second"]}
    assert Tokenize(model=model).facts()["encoder"] is None
    (row,) = (
        Tokenize(model=model)
        .split(records.to_table([{"id": "a", "text": "One."}]))
        .kept.to_pylist()
    )
    assert row["input_ids"] == _ids(model, "One.")


def test_one_that_errs_at_a_text_of_the_corpus_ends_what_it_did(
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoders, "_MAKERS", {"first": _spoiled("peas"), "second": _exact})
    table = records.to_table([{"id": "a", "text": "One of the peas."}])
    assert _record(model)["encoder"]["name"] == "first"
    with pytest.raises(Changed, match="first does not give the tokenizer's ids"):
        Tokenize(model=model).split(table)
    assert _record(model) == {"encoder": {"name": "second", "version": "2.0"}, "refused": ["first"]}
    (row,) = Tokenize(model=model).split(table).kept.to_pylist()
    assert row["input_ids"] == _ids(model, "One of the peas.")


class _Here:
    """Does the jobs of a run in this process, where encoders are those of the test."""

    def map(
        self, function: str, todo: Sequence[dict[str, Any]], *_: Any
    ) -> Iterator[dict[str, Any]]:
        for job in todo:
            yield {**jobs.execute(json.loads(json.dumps(job))), "seconds": 0.0, "cpu": 0.0}

    def close(self) -> None:
        """Nothing was started."""


def test_a_run_in_which_an_encoder_errs_begins_again_with_the_next(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.dumps({"text": f"Row {n} of the {'peas' if n == 30 else 'beans'}."})
             for n in range(40)]  # fmt: skip
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    steps = f"[tokenize: {{model: {json.dumps(model)}, max_length: none}}]"
    sources = "  - jsonl: {path: in.jsonl, name: rows}"
    (tmp_path / "t.yaml").write_text(f"version: 1\nname: t\nsources:\n{sources}\nsteps: {steps}\n")
    said: list[str] = []
    monkeypatch.setattr(Progress, "say", lambda self, text: said.append(text))
    digests = []
    for first in (_spoiled("peas"), _exact):
        monkeypatch.setattr(encoders, "_MAKERS", {"first": first, "second": _exact})
        where = {name: str(tmp_path / f"{name}{len(digests)}") for name in ("store", "out")}
        monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / f"cache{len(digests)}"))
        shown = run_recipe(read_recipe(tmp_path / "t.yaml", where), _Here()).shown
        corpus = Corpus(shown["tokens"])
        digests.append(corpus.table().select(["id", "input_ids", "loss_mask"]).to_pylist())
        facts = corpus.manifest["steps"][-1]["facts"]
        assert facts["encoder"] == ("first 1.0" if first is _exact else "second 2.0")
    # All rows are those of the encoder that is right, and the run says what it did.
    assert digests[0] == digests[1] and len(digests[0]) == 40
    assert sum("first does not give the tokenizer's ids" in text for text in said) == 1


def test_texts_are_compared_for_as_long_as_an_encoder_is_used(
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []
    real = encoders.reference

    def watched(plain: Any) -> Any:
        def check(texts: Sequence[str]) -> Flat:
            compared.extend(texts)
            return real(plain)(texts)

        return check

    record = models.encoder_record(Path(model))
    layout = json.loads(models.load_tokenizer(model).to_str())
    monkeypatch.setattr(encoders, "reference", watched)
    monkeypatch.setattr(encoders, "_MAKERS", {"first": lambda layout: real(_plain(layout))})
    used = Encoders(_plain(json.dumps(layout)), layout, record)
    texts = [f"{number} beds of peas, {'sown ' * 40}" for number in range(500)]
    for begin in range(0, 500, 50):
        used.encode(texts[begin : begin + 50])
    size = sum(map(len, texts))
    assert 0.5 < sum(map(len, compared)) / (encoders.FIRST + encoders.SAMPLED * size) < 1.5
    assert len(set(compared)) > 6, "other texts each time"


def _plain(layout: str) -> Any:
    return encoders._plain(json.loads(layout))


@pytest.mark.parametrize("name", ["fastokens", "splintr-rs"])
def test_the_encoders_that_are_known_give_the_ids_of_the_embedded_tokenizer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed")
    monkeypatch.undo()
    monkeypatch.setattr(encoders, "LONG", 20_000)
    layout = json.loads(models.load_tokenizer().to_str())
    assert encoders._proved(name, layout)
    make = encoders._MAKERS[name]
    ids, bounds = make(encoders._without_control(layout))([text for text in TEXTS if text])
    expected = reference(encoders._plain(layout))([text for text in TEXTS if text])
    assert np.array_equal(ids, expected[0]) and np.array_equal(bounds, expected[1])


def test_a_record_that_is_damaged_is_one_sentence(model: str) -> None:
    path = models.encoder_record(Path(model))
    assert path is not None
    for text in ("{", "[]", '{"encoder": {"name": "nobody"}, "refused": []}'):
        path.write_text(text)
        with pytest.raises(UsageError, match="is damaged: remove it"):
            Tokenize(model=model).facts()
    path.unlink()
    models._record.cache_clear()
    assert _record(model)["encoder"]["name"] == "first"


def test_without_a_place_for_what_was_proved_the_tokenizer_is_asked(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder")
    stage = Tokenize(model=model)
    assert stage.facts()["encoder"] is None
    (row,) = stage.split(records.to_table([{"id": "a", "text": "One."}])).kept.to_pylist()
    assert row["input_ids"] == _ids(model, "One.")
