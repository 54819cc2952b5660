"""Tokenizing against `datasets.map` with the same tokenizer, in one run, one thread each.

    python -m benchmarks.bench_tokenize [FILE.jsonl] [--megabytes 8]

Without a file, texts by a seeded chain over sample_data: English with one small vocabulary, which
a table of known words likes. With one, pairs of prompt and completion of a JSONL file.
Rows: records of the form text (their whole text), and conversations of one turn through the chat
template. MB are UTF-8 bytes of the records' own text; seconds are CPU seconds of this process,
without what either makes once. Ids differ where a record holds the text of a control token.
Both read records from memory and end in Arrow; the ids are compared, record by record.
"""

from __future__ import annotations

import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import header
from benchmarks.texts import Chain
from stages import records
from stages.corpus import batches_of
from stages.tokens import model as models
from stages.tokens.tokenize import Tokenize


def read(path: Path, megabytes: float) -> list[dict[str, str]]:
    """Pairs of prompt and completion from a JSONL file, at most so many MB."""
    pairs, size = [], 0
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line.strip() or size > megabytes * 1e6:
            continue
        row = json.loads(line)
        texts = [value for value in row.values() if isinstance(value, str) and value.strip()]
        texts.sort(key=len)
        if texts:
            prompt = row.get("prompt") or row.get("instruction") or texts[0]
            completion = row.get("completion") or row.get("output") or texts[-1]
            pairs.append({"prompt": prompt, "completion": completion})
            size += len((prompt + completion).encode())
    return pairs


def generated(megabytes: float) -> list[dict[str, str]]:
    """Pairs of about so many MB."""
    words = Chain(31).text(round(megabytes * 1e6 / 5.5)).split()
    runs = [words[at : at + 120] for at in range(0, len(words), 120)]
    return [{"prompt": " ".join(run[:20]), "completion": " ".join(run[20:])} for run in runs]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(CPU seconds, result)."""
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def ours(rows: list[dict[str, str]], stage: Tokenize) -> list[list[int]]:
    """Ids from the stage, batch by batch as the engine calls it."""
    named = [{**row, "id": str(n), "source": "", "place": ""} for n, row in enumerate(rows)]
    table = records.to_table(named)
    stage.split(table.slice(0, 8))  # what is made once a process: tables, templates
    seconds, kept = timed(lambda: [stage.split(batch).kept for batch in batches_of(table)])
    ids = [row for piece in kept for row in piece.column("input_ids").to_pylist()]
    return [[round(seconds * 1e6)], *ids]


def theirs(rows: list[dict[str, str]], one: Callable[..., Any], folder: Path) -> list[list[int]]:
    """Ids from datasets.map with batches of its usual size."""
    from datasets import Dataset

    data = Dataset.from_list(rows)
    one(data[:8])
    seconds, made = timed(
        lambda: data.map(
            one,
            batched=True,
            remove_columns=data.column_names,
            load_from_cache_file=False,
            cache_file_name=str(folder / "cache.arrow"),
        )
    )
    return [[round(seconds * 1e6)], *made["input_ids"]]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--megabytes", type=float, default=8.0)
    given = parser.parse_args()
    from datasets.utils.logging import disable_progress_bar
    from transformers import AutoTokenizer

    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(models.tokenizer_folder())
    models.load_tokenizer()
    header("tokenize", "tokenizers", "datasets", "transformers")
    pairs = read(given.file, given.megabytes) if given.file else generated(given.megabytes)
    texts = [{"text": f"{pair['prompt']}\n{pair['completion']}"} for pair in pairs]

    def plain(batch: dict[str, list[str]]) -> dict[str, Any]:
        found = tokenizer(batch["text"], split_special_tokens=True)["input_ids"]
        return {"input_ids": [[*ids, tokenizer.eos_token_id] for ids in found]}

    def chat(batch: dict[str, list[str]]) -> dict[str, Any]:
        talks = [
            [{"role": "user", "content": p}, {"role": "assistant", "content": c}]
            for p, c in zip(batch["prompt"], batch["completion"], strict=True)
        ]
        rendered = tokenizer.apply_chat_template(talks, tokenize=False)
        return {"input_ids": tokenizer(rendered, add_special_tokens=False)["input_ids"]}

    row = "{:<14}{:>6}{:>18}{:>14}{:>7}{:>14}"
    print(row.format("records", "MB", "seedbed MB/CPU-s", "datasets.map", "ratio", "ids"))
    for name, rows, one in (("text", texts, plain), ("conversation", pairs, chat)):
        size = sum(len(value.encode()) for row in rows for value in row.values()) / 1e6
        stage = Tokenize(max_length=None, default_system=True)
        with tempfile.TemporaryDirectory() as folder:
            mine, other = ours(rows, stage), theirs(rows, one, Path(folder))
        rates = [size / (found[0][0] / 1e6) for found in (mine, other)]
        differ = sum(a != b for a, b in zip(mine[1:], other[1:], strict=True))
        said = "equal" if not differ else f"{differ} differ"
        figures = [f"{size:.1f}", *(f"{rate:.2f}" for rate in (*rates, rates[0] / rates[1]))]
        print(row.format(name, *figures, said))


if __name__ == "__main__":
    main()
