"""Tokenizers and models of strangers: garbled files are one sentence, hostile ones are bounded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import StageFailed, UsageError
from stages.tokens import foreign
from stages.tokens import rows as on_their_way
from stages.tokens.model import load_tokenizer
from stages.tokens.tokenize import Tokenize
from tests.cases.tokenize import hostile_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return hostile_tokenizer(tmp_path, "s")


def _change(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "tokenizer.json"
    layout = json.loads(path.read_text())
    change(layout)
    path.write_text(json.dumps(layout))


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def _sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "normalizers": list(steps)}


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "grows": lambda t: t.update(normalizer=_replace("a", "a" * 100_000)),
    "doubles": lambda t: t.update(normalizer=_sequence(*[_replace("a", "aa")] * 40)),
    "grows back": lambda t: t.update(decoder=_replace("a", "a" * 100_000)),
    "far id": lambda t: t["model"]["vocab"].update(s=4_000_000_000),
    "negative id": lambda t: t["model"]["vocab"].update(s=-1),
    "long token": lambda t: t["model"]["vocab"].update({"x" * 100_000: 2}),
    "far added": lambda t: t.update(added_tokens=[{"id": 1 << 40, "content": "s"}]),
    "merges": lambda t: t["model"].update(merges=[["a", "q"], 5]),
    "no model": lambda t: t.pop("model"),
    "types": lambda t: t.update(model=[1], added_tokens="x", normalizer=7),
    "regex": lambda t: t["pre_tokenizer"].update(pattern={"Regex": "((("}),
    "unknown": lambda t: t.update(normalizer={"type": "Nonsense"}),
    "vocab": lambda t: t["model"].update(vocab=[["a"], "s", 5]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_hostile_tokenizer_is_refused_with_its_file(folder: Path, name: str) -> None:
    _change(folder, CHANGES[name])
    (said,) = Tokenize(model=str(folder), chat="plain").contradictions()
    assert f"{folder}/tokenizer.json cannot be used (" in said and "\n" not in said
    with pytest.raises(UsageError):
        load_tokenizer(str(folder))


@pytest.mark.parametrize(
    "data",
    [b"", bytes(range(128, 227)) + b"\xff", b'{"model": {', b"[]", b"[" * 100_000,
     b'{"a":' * 100_000,
     b'{"version": "\\ud800"}', b"1" * 9999, b"null"],
)  # fmt: skip
def test_a_garbled_tokenizer_is_refused_with_its_file(folder: Path, data: bytes) -> None:
    (folder / "tokenizer.json").write_bytes(data)
    (said,) = Tokenize(model=str(folder)).contradictions()
    assert f"{folder}/tokenizer.json cannot be used (" in said and "anew" in said


def test_a_panic_is_the_records_fault_until_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Tokenize(model=str(hostile_tokenizer(tmp_path)), chat="plain")
    rejects: list[dict[str, Any]] = []
    rows = [{"text": text} for text in ("as", "a" * 40 + "s", "s")]
    assert [row["input_ids"] for row in stage(rows, rejects)] == [[0, 1], [1]]
    assert [(r["reason"], r["failed"]) for r in rejects] == [("tokenizer", True)]
    assert "retry-limit-in-match over" in rejects[0]["evidence"]
    monkeypatch.setattr(on_their_way, "FAILURES", 2)
    with pytest.raises(UsageError, match=r"its tokenizer fails at 2 texts.*name another model"):
        stage([{"text": "a" * 40 + "s"}])


def test_a_tokenizer_that_takes_for_ever_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "SECONDS", 1)
    done: list[int] = []

    def slow() -> None:
        while not done:
            pass

    try:
        with pytest.raises(StageFailed, match="models/x: its tokenizer takes more than 1 CPU"):
            foreign.guarded("models/x", 10, slow)
    finally:
        done.append(1)


def test_older_files_are_read_by_a_process_with_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    (tmp_path / "old").mkdir()
    (tmp_path / "old/tokenizer.model").write_bytes(os.urandom(500))
    config = {"tokenizer_class": "LlamaTokenizer", "auto_map": {"AutoTokenizer": ["evil.T", None]}}
    (tmp_path / "old/tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "old/evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (said,) = Tokenize(model=str(tmp_path / "old")).contradictions()
    assert f"{tmp_path}/old has no tokenizer.json and none can be made" in said
    assert "\n" not in said and "anew" in said and not (tmp_path / "ran").exists()


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    from stages import Train

    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    (tmp_path / "model.pt").write_bytes(b"\x80\x04")
    (said,) = Train(model=str(tmp_path)).contradictions()
    assert "has no .safetensors file" in said
