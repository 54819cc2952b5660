"""Lines filled to a number of tokens: all of the corpus, no line too long, read back as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages import check, records
from stages.corpus import Corpus, write_corpus
from stages.errors import UsageError
from stages.export import panels
from stages.export.export import Export
from stages.tokens.tokenize import Tokenize
from tests.tokens import families


def _tokens(folder: Path, stage: Tokenize, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa

    schema = records.schema_with({"split": pa.string()})
    named = [{"source": "s", "place": f"p{n}", "id": f"{n:032x}", **r} for n, r in enumerate(rows)]
    kept = stage.split(records.to_table(named, schema)).kept
    steps: Any = {"steps": [{"stage": "tokenize", "parameters": check.as_json(stage)}]}
    write_corpus(folder, "tokens", [(kept, records.REJECTS.empty_table())], steps)
    return folder


def _rows() -> list[dict[str, Any]]:
    body = "Peas are sown in rows, three centimetres deep. "
    texts = [{"text": f"{n}. {body * (1 + n % 7)}", "split": "train"} for n in range(60)]
    texts.append({"text": "# Beds\n\n" + body * 40, "split": "train"})
    pairs = [
        {"prompt": f"When, {n}?", "completion": f"In March: {body * (n % 3)}", "split": "val"}
        for n in range(9)
    ]
    return [*texts, *pairs]


@pytest.mark.parametrize("family", ["smollm2", "llama2", "mistral3", "qwen25"])
def test_all_tokens_stand_in_lines_that_are_read_back(family: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from stages.tokens.model import tokenizer_folder

    model = family if family == "smollm2" else str(families.folder(tmp_path, family))
    source = _tokens(tmp_path / "c", Tokenize(model=model, max_length=300), _rows())
    out = tmp_path / "out"
    out.mkdir()
    summary = Export(format="filled", fill=512).run(source, out, tmp_path, lambda *_: None)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder(model))
    corpus = Corpus(source).table().to_pylist()
    by_id = {row["id"]: row["input_ids"] for row in corpus}
    seen: list[str] = []
    for side in ("train", "val"):
        lines = (out / f"{side}.jsonl").read_text(encoding="utf-8").splitlines()
        for line in map(json.loads, lines):
            expected = [token for name in line["ids"] for token in by_id[name]]
            assert len(expected) <= 512
            assert tokenizer(line["text"])["input_ids"] == expected
            seen += line["ids"]
    assert sorted(seen) == sorted(by_id) and summary["seen"] == len(by_id)
    assert summary["changed"] == 0 and 0.4 < summary["fill"] <= 1.0
    assert sum(summary["rows"].values()) < len(by_id) / 2


def test_what_is_filled_is_told(tmp_path: Path) -> None:
    source = _tokens(tmp_path / "c", Tokenize(max_length=256), _rows())
    out = tmp_path / "out"
    out.mkdir()
    stage = Export(format="filled")
    summary = stage.run(source, out, tmp_path, lambda *_: None)
    (out / "manifest.json").write_text(json.dumps({"summary": summary}))
    (line,) = panels.lines(out)
    assert line.endswith(f"lines, filled to {100 * summary['fill']:.1f} %")
    assert panels.warnings(out) == []
    assert stage.consumes.name == "tokens" and Export().consumes.name == "records"


def test_a_number_of_tokens_is_asked_for_where_tokenize_has_none(tmp_path: Path) -> None:
    source = _tokens(tmp_path / "c", Tokenize(max_length=None), _rows())
    with pytest.raises(UsageError, match=r"export\.fill: say how many tokens"):
        Export(format="filled").run(source, tmp_path, tmp_path, lambda *_: None)


def test_records_are_refused(tmp_path: Path) -> None:
    table = records.to_table([{"id": "a", "text": "Peas."}])
    write_corpus(tmp_path / "c", "records", [(table, records.REJECTS.empty_table())], {})
    with pytest.raises(UsageError, match="the format filled takes a corpus of tokens"):
        Export(format="filled").run(tmp_path / "c", tmp_path, tmp_path, lambda *_: None)
