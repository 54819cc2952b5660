"""Training SmolLM2-135M on a CPU: trained tokens a CPU-second and memory, beside the Trainer.

    python -m benchmarks.bench_train [--quick]

Each setting in a process of its own, one thread, a LoRA adapter of rank 16 on all linear layers,
the same records of sample_data; the first step is not counted, nor are loading and validation.
The peer is transformers' Trainer with peft, given the very rows that ours packs (documents told
apart by positions), or the records padded to the longest of a batch of four, as most scripts do.
Rounds are in turn; a ratio is the median of the rounds' ratios. --quick: one round, rows of 256.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import cpu, header, table

STEPS, TOKENS = 5, 1024  # optimizer steps, of which the first is not counted; tokens of each
ROUNDS = 3
WHO = ("ours", "packed", "padded")


def corpus(folder: Path) -> Path:
    """A tokens corpus of the sample's conversations."""
    from benchmarks.texts import pairs
    from stages import Split, Tokenize
    from stages.call import as_table
    from stages.corpus import write_corpus
    from stages.records import REJECTS

    rows = [{"prompt": one, "completion": two} for one, two in pairs()]
    made = Tokenize()(Split(val=2)(as_table(rows)[0], []), [])
    write_corpus(folder, "tokens", [(made, REJECTS.empty_table())], {"sources": [], "counts": {}})
    return folder


def child(source: Path, rows: int, precision: str, dropout: float) -> None:
    """Train and print what it took, as JSON."""
    import resource

    from stages import Train

    marks: list[tuple[int, float]] = []
    stage = Train(
        epochs=1, epoch_tokens=STEPS * TOKENS, batch_tokens=TOKENS, micro_tokens=rows, device="cpu",
        precision=precision, dropout=dropout, threads=1, samples=0, eval_every=1 << 20,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        out, work = Path(folder) / "out", Path(folder) / "work"
        out.mkdir()
        work.mkdir()
        stage.run(source, out, work, lambda done, total: marks.append((done, cpu())))
        lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    spent = marks[-1][1] - marks[1][1]  # validation and the first step lie before
    targets = [line["tokens"] for line in lines if line["split"] == "train"]
    print(json.dumps({"rate": sum(targets[1:]) / spent, "gigabytes": peak}))


def peer(source: Path, rows: int, precision: str, padded: bool) -> None:
    """The same training by transformers' Trainer; prints what it took, as JSON."""
    import resource

    import numpy as np
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    from stages import Train
    from stages.train.course import Course
    from stages.train.data import read_documents
    from stages.train.model import folder_of
    from stages.train.plan import order

    torch.set_num_threads(1)
    documents = read_documents(source, "train", 2048)
    documents = documents.fitting(STEPS * TOKENS, order(documents.ids, 0, -1))
    setting = Train(epochs=1, batch_tokens=TOKENS, micro_tokens=rows)
    course = Course(setting, documents, rows)
    steps = [course.step(number) for number in range(course.total)]
    if padded:
        four = [one.numbers[at : at + 4] for one in steps for at in range(0, len(one.numbers), 4)]
        batches = [_padded([documents.tokens(at) for at in some]) for some in four]
    else:
        batches = [_packed([documents.tokens(at) for at in r]) for one in steps for r in one.rows]
    each = max(1, len(batches) // course.total)
    batches = batches[: each * course.total]
    tokens = sum(int(batch["real"]) for batch in batches[each:])
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder_of("smollm2"), dtype=kind)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, target_modules=targets, task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    marks: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *given: object, **more: object) -> None:
            marks.append(cpu())

    def collated(some: list[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        (one,) = some
        return {name: torch.from_numpy(value) for name, value in one.items() if name != "real"}

    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder, per_device_train_batch_size=1, gradient_accumulation_steps=each,
            num_train_epochs=1, learning_rate=5e-4, lr_scheduler_type="constant", report_to=[],
            bf16=precision == "bf16", use_cpu=True, logging_strategy="no", save_strategy="no",
            remove_unused_columns=False, disable_tqdm=True, seed=0, dataloader_num_workers=0,
        )  # fmt: skip
        Trainer(
            model, settings, train_dataset=batches, data_collator=collated, callbacks=[Clock()]
        ).train()
    spent = marks[-1] - marks[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    print(json.dumps({"rate": tokens / spent, "gigabytes": peak}))


def _packed(documents: list[tuple[Any, Any]]) -> dict[str, Any]:
    """One row: the documents behind each other, told apart by their positions."""
    import numpy as np

    ids = np.concatenate([tokens for tokens, _ in documents]).astype(np.int64)
    wanted = np.concatenate([mask for _, mask in documents])
    positions = np.concatenate([np.arange(len(tokens)) for tokens, _ in documents])
    labels = np.where(wanted, ids, -100)
    return {"input_ids": ids[None], "labels": labels[None], "position_ids": positions[None],
            "real": int(wanted.sum())}  # fmt: skip


def _padded(documents: list[tuple[Any, Any]]) -> dict[str, Any]:
    """A row a document, filled to the longest."""
    import numpy as np

    longest = max(len(tokens) for tokens, _ in documents)
    ids = np.zeros((len(documents), longest), dtype=np.int64)
    labels, mask = np.full_like(ids, -100), np.zeros_like(ids)
    for at, (tokens, wanted) in enumerate(documents):
        ids[at, : len(tokens)], mask[at, : len(tokens)] = tokens, 1
        labels[at, : len(tokens)] = np.where(wanted, tokens, -100)
    return {
        "input_ids": ids,
        "labels": labels,
        "attention_mask": mask,
        "real": sum(int(wanted.sum()) for _, wanted in documents),
    }


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        source, rows, precision, who = given.child
        if who == "ours":
            child(Path(source), int(rows), precision, 0.0)
        else:
            peer(Path(source), int(rows), precision, who == "padded")
        return
    header("train", "torch", "transformers", "peft")
    settings = [(256, "bf16"), (256, "fp32")]
    if not given.quick:
        settings.append((512, "bf16"))
    found: dict[tuple[int, str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = corpus(Path(folder) / "tokens")
        for number in range(1 if given.quick else ROUNDS):
            for rows, precision in settings:
                for who in WHO[:: 1 if number % 2 else -1]:
                    done = _run(source, rows, precision, who)
                    found.setdefault((rows, precision, who), []).append(done)
    shown = []
    for rows, precision in settings:
        ours = found[rows, precision, "ours"]
        for who in WHO:
            theirs = found[rows, precision, who]
            pairs = zip(ours, theirs, strict=True)
            ratio = statistics.median(one["rate"] / other["rate"] for one, other in pairs)
            rate = statistics.median(one["rate"] for one in theirs)
            peak = max(one["gigabytes"] for one in theirs)
            shown.append((f"{rows}, {precision}", who, rate, f"{ratio:.2f}", f"{peak:.2f}"))
    table(("row, precision", "who", "trained tokens/CPU-s", "ours to it", "peak GB"), shown)


def _run(source: Path, rows: int, precision: str, who: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.bench_train", "--child", str(source)]
    command += [str(rows), precision, who]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    made: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return made


if __name__ == "__main__":
    main()
