"""From mixed JSONL to closed Arrow files of ids, against what people use, all in one run.

    python -m benchmarks.bench_tokens [FILE.jsonl] [--megabytes 20] [--model smollm2|llama2]
        [--workers 2] [--peers datasets,tokenizers]

`seedbed run` with the steps jsonl and tokenize (also ids, places, masks and the account of every
character, which the peers have not), `datasets`: `load_dataset("json")` and `map` in as many
processes, and a plain loop over `tokenizers`. Each is a process of its own with its workers: wall
and CPU seconds of all of them from start to end, the most memory that they held at once (sum of
proportional set sizes, seen ten times a second), bytes a token of their files. Ids are compared row
by row. Without a file a corpus is made of this machine's Python (`benchmarks/mixed.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mixed
from benchmarks.measure import header, table

HOME = Path(__file__).resolve().parent.parent
LLAMA2 = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + "
    "m['content'].strip() + ' [/INST]' }}{% else %}{{ ' ' + m['content'].strip() + ' ' + "
    "eos_token }}{% endif %}{% endfor %}"
)
RECIPE = """\
version: 1
name: bench
sources:
  - jsonl: {{name: mixed, path: {path}}}
steps:
  - tokenize: {{model: {model}, max_length: null, default_system: true}}
run: {{workers: {workers}}}
"""


# --- the peers, each in a process of its own ----------------------------------------------------


def _rendered(tokenizer: Any, row: dict[str, Any]) -> tuple[str, bool]:
    """(text, whether it is a plain one) of a row."""
    if row.get("text") is not None:
        return row["text"], True
    messages = row.get("messages") or [
        {"role": "user", "content": row["prompt"]},
        {"role": "assistant", "content": row["completion"]},
    ]
    return tokenizer.apply_chat_template(messages, tokenize=False), False


def peer_datasets(path: Path, folder: Path, model: Path, workers: int) -> None:
    """`datasets.map` as it is written everywhere."""
    from datasets import load_dataset
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    end = tokenizer.eos_token_id

    def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
        names = list(batch)
        ids: list[list[int]] = []
        rows = [
            dict(zip(names, values, strict=True)) for values in zip(*batch.values(), strict=True)
        ]
        told = [_rendered(tokenizer, row) for row in rows]
        plain = iter(
            tokenizer([text for text, is_plain in told if is_plain])["input_ids"]
            if any(is_plain for _, is_plain in told)
            else ()
        )
        talks = [text for text, is_plain in told if not is_plain]
        chat = iter(tokenizer(talks, add_special_tokens=False)["input_ids"] if talks else ())
        for _, is_plain in told:
            ids.append([*next(plain), end] if is_plain else next(chat))
        return {"input_ids": ids, "attention_mask": [[1] * len(one) for one in ids]}

    data = load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(folder / "cache")
    )
    made = data.map(
        encode,
        batched=True,
        num_proc=workers,
        remove_columns=data.column_names,
        cache_file_name=str(folder / "ids.arrow"),
    )
    (folder / "files.json").write_text(json.dumps([f["filename"] for f in made.cache_files]))


def peer_tokenizers(path: Path, folder: Path, model: Path, workers: int) -> None:
    """The library alone: a loop that reads, renders, encodes in batches and writes Arrow."""
    import pyarrow as pa
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    end = tokenizer.eos_token_id
    backend = tokenizer.backend_tokenizer
    schema = pa.schema([("input_ids", pa.list_(pa.int32()))])
    out = folder / "ids.arrow"
    with open(path, encoding="utf-8") as file, pa.ipc.new_stream(str(out), schema) as writer:
        while lines := list(_some(file, 1000)):
            told = [_rendered(tokenizer, json.loads(line)) for line in lines]
            ids: list[Any] = [None] * len(told)
            for special in (True, False):
                at = [n for n, (_, plain) in enumerate(told) if plain == special]
                found = backend.encode_batch_fast(
                    [told[n][0] for n in at], add_special_tokens=special
                )
                for n, one in zip(at, found, strict=True):
                    ids[n] = np.array([*one.ids, end] if special else one.ids, dtype=np.int32)
            writer.write_batch(pa.record_batch([pa.array(ids, schema.field(0).type)], schema))
    (folder / "files.json").write_text(json.dumps([str(out)]))


def _some(file: Any, number: int) -> Iterator[str]:
    for _, line in zip(range(number), file, strict=False):
        yield line


PEERS = {"datasets": peer_datasets, "tokenizers": peer_tokenizers}


# --- measuring ----------------------------------------------------------------------------------


def _held(root: int) -> int:
    """Bytes that a process and those below it hold, what they share counted once."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    total, waiting = 0, [root]
    while waiting:
        one = waiting.pop()
        waiting += [child for child, parent in parents.items() if parent == one]
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(
            (int(line.split()[1]) for line in text.split("\n") if line.startswith("Pss:")), 0
        )
    return total * 1024


def measured(command: list[str], folder: Path) -> dict[str, float]:
    """Wall, CPU and memory of a command and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    process = subprocess.Popen(
        command, cwd=HOME, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    most = 0

    def watch() -> None:
        nonlocal most
        while process.poll() is None:
            most = max(most, _held(process.pid))
            time.sleep(0.1)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    _, told = process.communicate()
    watcher.join()
    if process.returncode:
        sys.exit(f"{command[:4]} ended with {process.returncode}: {told.decode()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": time.monotonic() - begin, "cpu": cpu, "memory": most}


def ids_in(files: list[Path]) -> Iterator[np.ndarray]:
    """The ids of each row of Arrow files."""
    import pyarrow as pa

    for path in files:
        with pa.memory_map(str(path)) as source:
            try:
                batches: Any = pa.ipc.open_stream(source)
            except pa.ArrowInvalid:
                reader = pa.ipc.open_file(source)
                batches = (reader.get_batch(n) for n in range(reader.num_record_batches))
            for batch in batches:
                column = batch.column("input_ids")
                flat, bounds = column.flatten().to_numpy(), column.offsets.to_numpy()
                for begin, end in zip(bounds[:-1] - bounds[0], bounds[1:] - bounds[0], strict=True):
                    yield flat[begin:end]


def model_named(name: str, folder: Path) -> Path:
    """A folder with tokenizer and template."""
    from stages.tokens.model import tokenizer_folder

    if name == "smollm2":
        return tokenizer_folder()
    if name != "llama2":
        return Path(name).resolve()
    import wordllama

    source = Path(wordllama.__file__).parent / "tokenizers/l2_supercat_tokenizer_config.json"
    folder.mkdir()
    (folder / "tokenizer.json").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(LLAMA2)
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peers", default="datasets,tokenizers")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        PEERS[given.peer](given.file, given.into, Path(given.model), given.workers)
        return
    header("tokens", "tokenizers", "datasets", "transformers", "fastokens", "splintr-rs")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = given.file.resolve() if given.file else folder / "mixed.jsonl"
        if not given.file:
            mixed.write(path, given.megabytes)
        model = model_named(given.model, folder / "model")
        _compare(path, folder, model, given)


def _compare(path: Path, folder: Path, model: Path, given: argparse.Namespace) -> None:
    from stages.corpus import Corpus
    from stages.tokens import model as models

    models.encoder_record(model)  # the proof is made once a machine
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(path=path, model=model, workers=given.workers))
    spent = {
        "seedbed": measured([sys.executable, "-m", "seedbed", "run", str(recipe)], folder),
    }
    corpus = Corpus(folder / "runs/bench/tokens")
    files = {"seedbed": corpus.files}
    for peer in filter(None, given.peers.split(",")):
        into = folder / peer
        into.mkdir()
        command = [sys.executable, "-m", "benchmarks.bench_tokens", str(path), "--peer", peer]
        command += ["--into", str(into), "--model", str(model), "--workers", str(given.workers)]
        spent[peer] = measured(command, into)
        files[peer] = [Path(name) for name in json.loads((into / "files.json").read_text())]
    megabytes = path.stat().st_size / 1e6
    rows = []
    for name, figures in spent.items():
        tokens = differ = 0
        for ours, theirs in zip(ids_in(files["seedbed"]), ids_in(files[name]), strict=True):
            tokens += len(theirs)
            differ += not np.array_equal(ours, theirs)
        size = sum(file.stat().st_size for file in files[name])
        rows.append(
            [
                name,
                megabytes / figures["cpu"],
                megabytes / figures["wall"],
                figures["cpu"] / spent["seedbed"]["cpu"],
                figures["wall"] / spent["seedbed"]["wall"],
                size / tokens,
                round(figures["memory"] / 1e6),
                "equal" if not differ else f"{differ} differ",
            ]
        )
    encoder = corpus.manifest["steps"][-1].get("facts", {}).get("encoder")
    print(
        f"{megabytes:.0f} MB of JSONL, {len(corpus):,} records, {given.workers} processes;", end=""
    )
    print(f" ids by {encoder or 'tokenizers'}")
    table(
        ["", "MB/CPU-s", "MB/s", "CPU times", "wall times", "bytes a token", "MB held", "ids"], rows
    )


if __name__ == "__main__":
    main()
