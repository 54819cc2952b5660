"""From mixed JSONL to closed Arrow files of ids, against what people use, all in one run.

    python -m benchmarks.bench_tokens [FILE.jsonl] [--megabytes 20] [--model smollm2|llama2|wide]
        [--workers 2] [--peers datasets,trl,tokenizers]

`seedbed run` with the steps jsonl and tokenize (also ids, places, masks and the account of every
character, which the peers have not), `datasets`: `load_dataset("json")` and `map` in as many
processes, TRL's preparation (what `SFTTrainer` does with a data set before it trains: texts, and
pairs and conversations as messages, which it takes one kind at a time), and a plain loop over
`tokenizers`. Each is a process of its own with its workers: wall
and CPU seconds of all of them from start to end, the most memory that they held at once (sum of
proportional set sizes, seen ten times a second), bytes a token of their files. Ids are compared row
by row; "ids + mask" are the bytes a token of these two columns alone. The model wide is SmolLM2's
tokenizer with 70,000 entries. Without a file a corpus is made of this machine's Python
(`benchmarks/mixed.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
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
    return tokenizer.apply_chat_template(_messages(row), tokenize=False), False


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


def peer_trl(path: Path, folder: Path, model: Path, workers: int) -> None:
    """What TRL makes of a data set before it trains: as its trainer is written everywhere."""
    from datasets import Dataset
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(model)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1}
    tiny = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(tokenizer), num_hidden_layers=1, num_key_value_heads=1, **sizes)
    )
    config = SFTConfig(
        output_dir=str(folder / "out"),
        max_length=None,
        dataset_num_proc=workers,
        use_cpu=True,
        bf16=False,
        report_to=[],
    )
    files = []
    for kind in ("text", "messages"):
        rows = (row for row in _rows(path) if (row.get("text") is not None) == (kind == "text"))
        data = Dataset.from_list(
            [{kind: row["text"] if kind == "text" else _messages(row)} for row in rows]
        )
        trainer = SFTTrainer(tiny, config, train_dataset=data, processing_class=tokenizer)
        made = folder / f"{kind}.arrow"
        trainer.train_dataset.select_columns(["input_ids"]).save_to_disk(str(made))
        files += sorted(map(str, made.glob("*.arrow")))
    (folder / "files.json").write_text(json.dumps(files))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def _messages(row: dict[str, Any]) -> list[dict[str, str]]:
    return row.get("messages") or [
        {"role": "user", "content": row["prompt"]},
        {"role": "assistant", "content": row["completion"]},
    ]


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


PEERS = {"datasets": peer_datasets, "trl": peer_trl, "tokenizers": peer_tokenizers}


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


def in_order(path: Path, rows: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The ids of texts and then of conversations, in the order of the file."""
    texts = [row.get("text") is not None for row in _rows(path)]
    first = [next(rows) for is_text in texts if is_text]
    rest = iter(first)
    for is_text in texts:
        yield next(rest if is_text else rows)


def model_named(name: str, folder: Path) -> Path:
    """A folder with tokenizer and template."""
    from stages.tokens.model import tokenizer_folder

    if name in ("smollm2", "wide"):
        found = tokenizer_folder()
        return found if name == "smollm2" else _wide(found, folder)
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


def _wide(source: Path, folder: Path) -> Path:
    """A tokenizer with entries that no merge makes, so that its ids take four bytes."""
    shutil.copytree(source, folder)
    layout = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = layout["model"]["vocab"]
    begin = max(vocabulary.values()) + 1
    vocabulary.update({f"\u0120never{number}": number for number in range(begin, 70_000)})
    (folder / "tokenizer.json").write_text(json.dumps(layout), encoding="utf-8")
    return folder


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peers", default="datasets,trl,tokenizers")
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
        found = ids_in(files[name])
        found = in_order(path, found) if name == "trl" else found
        for ours, theirs in zip(ids_in(files["seedbed"]), found, strict=True):
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
                tokens,
            ]
        )
    encoder = corpus.manifest["steps"][-1].get("facts", {}).get("encoder")
    held = sum(
        column.nbytes
        for batch in corpus.batches()
        for column in (batch.column("input_ids"), batch.column("loss_mask"))
    )
    print(
        f"{megabytes:.0f} MB of JSONL, {len(corpus):,} records, {given.workers} processes;", end=""
    )
    print(f" ids by {encoder or 'tokenizers'}; ids + mask {held / rows[0][-1]:.3f} bytes a token")
    rows = [row[:-1] for row in rows]
    table(
        ["", "MB/CPU-s", "MB/s", "CPU times", "wall times", "bytes a token", "MB held", "ids"], rows
    )


if __name__ == "__main__":
    main()
