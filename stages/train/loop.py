"""The training loop, from the tokens corpus to the adapter folder, in the order things happen.

The gradient of an optimizer step is that of the mean loss over all its trained-on tokens, however
they are cut into rows. Every step seeds its own randomness and asks the plan what is due, so a run
that was killed goes on with the bits of one that was not.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages import check, json_lines
from stages.base import Progress
from stages.corpus import Corpus, write_json
from stages.errors import Interrupted, Preempted, StageFailed, UsageError
from stages.records import to_json
from stages.require import require
from stages.tokens.identity import difference
from stages.tokens.packing import pack
from stages.train import checkpoint, model_card, samples
from stages.train import model as models
from stages.train.data import Documents, read_documents
from stages.train.plan import order, rate, steps_of
from stages.train.signals import StopWish
from stages.train.step import optimizer_of, step

if TYPE_CHECKING:
    from stages.train.train import Train

# Validations after that of step 0 when eval_every is not given: seven values tell turn from noise.
EVALUATIONS = 6
# Tokens of a packed row when micro_tokens is not given. SmolLM2-135M in bf16, tokens a CPU-second:
# 160 at 256, 134 at 512, 122 at 1024, in 1.4, 2.0 and 3.3 GB.
ROW_TOKENS = {"cpu": 256, "cuda": 8192}


def run(setting: Train, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
    """Train as the settings say; writes the adapter folder `out` and returns its summary."""
    documents = read_documents(source, "train", setting.max_length)
    validation = read_documents(source, "val", setting.max_length)
    _check_documents(documents, validation, source)
    _check_tokenizer(setting.model, source)
    everything = len(documents)
    if setting.epoch_tokens is not None:
        chosen = order(documents.ids, setting.seed, -1)
        documents = documents.fitting(setting.epoch_tokens, chosen)
        if not len(documents):
            raise UsageError(
                f"train.epoch_tokens {setting.epoch_tokens} is less than one record has"
            )

    threads = setting.threads or os.cpu_count() or 1
    models.set_threads(threads)
    torch = require("torch", "train")
    device = models.device_of(setting.device)
    precision = models.precision_of(setting.precision, device)
    folder = models.folder_of(setting.model)

    # How much an epoch holds is the same for all epochs; what a step holds is planned per epoch.
    by_tokens = setting.batch_tokens is not None
    weights = documents.targets if by_tokens else np.ones(len(documents), dtype=np.int64)
    size = setting.batch_tokens or setting.batch
    per_epoch = len(steps_of(weights, size))
    total = per_epoch * setting.epochs
    eval_every = setting.eval_every or max(1, math.ceil(total / EVALUATIONS))

    with _deterministic(torch), StopWish() as stop, contextlib.ExitStack() as closing:
        seed_step(setting.seed, -1)  # the adapter's first values
        model = models.load_base(folder, setting.method, precision, device)
        _check_vocabulary(model, documents, validation, source)
        _check_positions(model, documents, validation, source)
        if setting.method != "full":
            model = models.add_adapter(
                model,
                rank=setting.rank,
                alpha=setting.alpha,
                dropout=setting.dropout,
                targets=setting.targets,
            )
        else:
            model.requires_grad_(True)
        parameters = models.trained(model)
        optimizer = optimizer_of(parameters.values(), setting.weight_decay)
        # A model that cannot tell packed documents apart gets one document a row.
        packs = models.isolates(model, precision, device)
        capacity = (setting.micro_tokens or ROW_TOKENS[device]) if packs else 0
        val_rows = pack(validation.lengths, capacity)

        key = _key(setting, source, threads, device, precision)
        state: dict[str, Any] = {
            "key": key, "done": 0, "evaluated": -1, "curve_bytes": 0, "tokens": 0, "trained": 0,
            "first": [], "last": [], "before": None,
        }  # fmt: skip
        found = checkpoint.latest(work, key)
        if found is not None:
            state, tensors = found
            checkpoint.restore(parameters, optimizer, tensors)
        curve = closing.enter_context(_Curve(work / "curve.jsonl", state["curve_bytes"]))

        def save() -> None:
            state["curve_bytes"] = curve.flush()
            position = 2 * state["done"] + (state["evaluated"] == state["done"])
            tensors = checkpoint.training_tensors(parameters, optimizer)
            beside = {curve.path.name: state["curve_bytes"]}
            checkpoint.save(work, position, state, tensors, beside)

        def stop_if_asked() -> None:
            """Leave with the state of the last whole step: a begun one is done again."""
            if stop.asked:
                save()
                stopped = Interrupted if stop.asked == signal.SIGINT else Preempted
                raise stopped(
                    f"training stopped by a signal after step {state['done']} of {total}; "
                    "the same command goes on from there"
                )

        if state["before"] is None:
            state["before"] = samples.completions(
                model, folder, validation, setting, precision, device
            )
        runs: list[list[int]] = []
        planned = -1
        progress(state["done"], total)
        while True:
            done = state["done"]
            due = done in (0, total) or done % eval_every == 0 or done % per_epoch == 0
            if due and state["evaluated"] < done:
                losses = evaluate(model, validation, val_rows, precision, device, stop_if_asked)
                if not state["first"]:
                    state["first"] = losses.tolist()
                state["last"] = losses.tolist()
                state["evaluated"] = done
                tokens = int(validation.targets.sum())
                curve.add(
                    step=done,
                    epoch=round(done / per_epoch, 6),
                    split="val",
                    loss=float(losses.sum()) / tokens,
                    tokens=tokens,
                    lr=rate(max(done - 1, 0), total, setting.lr, setting.schedule, setting.warmup),
                    grad_norm=None,
                    records=len(validation),
                )
                stop_if_asked()
            if done == total:
                break

            epoch, within = divmod(done, per_epoch)
            if epoch != planned:
                numbers = order(documents.ids, setting.seed, epoch)
                cuts = steps_of(weights[numbers], size)
                runs, planned = [numbers[begin:end] for begin, end in cuts], epoch
            chosen = runs[within]
            rows = pack(documents.lengths[chosen], capacity)
            targets = int(documents.targets[chosen].sum())
            lr = rate(done, total, setting.lr, setting.schedule, setting.warmup)
            seed_step(setting.seed, done)
            loss, norm = step(
                model,
                optimizer,
                ([documents.tokens(chosen[at]) for at in row] for row in rows),
                targets=targets,
                lr=lr,
                clip=setting.clip,
                precision=precision,
                device=device,
                between=stop_if_asked,
            )
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise StageFailed(
                    f"training diverged: the loss of step {done + 1} is {loss} and its gradient's "
                    f"norm {norm}; lower lr (it is {setting.lr:g}) or use precision fp32"
                )

            state["done"] = done + 1
            state["tokens"] += int(documents.lengths[chosen].sum())
            state["trained"] += targets
            curve.add(
                step=done + 1,
                epoch=round((done + 1) / per_epoch, 6),
                split="train",
                loss=loss,
                tokens=targets,
                lr=lr,
                grad_norm=norm,
                records=len(chosen),
            )
            progress(done + 1, total)
            if (done + 1) % setting.save_every == 0 and done + 1 < total:
                save()

        after = samples.completions(model, folder, validation, setting, precision, device)
        models.save_trained(model, out, setting.method, setting.model)

        curve.flush()
        lines = curve.lines()

    json_lines.write(out / "curve.jsonl", lines)
    by_record = _losses(validation, state["first"], state["last"])
    json_lines.write(out / "records.jsonl", by_record)
    write_json(out / "samples.json", samples.paired(state["before"], after))
    train_losses = [line["loss"] for line in lines if line["split"] == "train"]
    val_losses = [line["loss"] for line in lines if line["split"] == "val"]
    summary = {
        "base": models.base_name(setting.model),
        "method": setting.method,
        "steps": total,
        "epochs": setting.epochs,
        "epoch_borders": [per_epoch * epoch for epoch in range(1, setting.epochs)],
        "tokens": state["tokens"],
        "trained_tokens": state["trained"],
        "records_train": len(documents),
        "records_unused": everything - len(documents),
        "records_val": len(validation),
        "records_cut": documents.cut + validation.cut,
        "records_without_targets": documents.empty + validation.empty,
        "train_loss_first": train_losses[0],
        "train_loss_last": train_losses[-1],
        "val_loss_first": val_losses[0],
        "val_loss_last": val_losses[-1],
        "trainable_parameters": sum(value.numel() for value in parameters.values()),
        "packed": packs,
        "device": device,
        "precision": precision,
    }
    write_json(out / "summary.json", summary)
    card = model_card.text(summary, check.as_json(setting), Corpus(source).sources)
    (out / "README.md").write_text(card, encoding="utf-8")
    template = samples.chat_template(setting.model, folder, source)
    if template is not None:
        (out / "chat_template.jinja").write_text(template, encoding="utf-8")
    return summary


def seed_step(seed: int, step: int) -> None:
    """Seed every generator for one optimizer step, so that no generator's state is ever stored."""
    digest = hashlib.blake2b(f"train.{seed}.{step}".encode(), digest_size=4).digest()
    number = int.from_bytes(digest, "little")
    random.seed(number)
    np.random.seed(number)
    require("torch", "train").manual_seed(number)


def evaluate(
    model: Any,
    documents: Documents,
    rows: list[list[int]],
    precision: str,
    device: str,
    between: Any,
) -> np.ndarray[Any, Any]:
    """The sum of the trained-on tokens' losses of each document; calls `between` after a row."""
    torch = require("torch", "train")
    model.eval()
    sums = np.zeros(len(documents))
    for row in rows:
        batch = models.row_of([documents.tokens(at) for at in row], device)
        with torch.no_grad():
            losses = models.row_losses(model, batch, precision).double().cpu().numpy()
        ends = np.cumsum(documents.targets[row])
        for at, begin, end in zip(row, [0, *ends[:-1]], ends, strict=True):
            sums[at] = losses[begin:end].sum()
        between()
    return sums


class _Curve(contextlib.AbstractContextManager["_Curve"]):
    """The lines of the curve in the work folder: appended, flushed with each checkpoint."""

    def __init__(self, path: Path, size: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = open(path, "ab")  # noqa: SIM115  (open as long as the run)
        # Lines after the checkpoint belong to steps that are done again.
        self._file.truncate(size)

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, **line: Any) -> None:
        self._file.write(to_json(line).encode() + b"\n")
        self._file.flush()

    def flush(self) -> int:
        """Bring the lines to the disk; how many bytes they are."""
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def lines(self) -> list[dict[str, Any]]:
        return json_lines.read(self.path)


def _check_documents(documents: Documents, validation: Documents, source: Path) -> None:
    if not len(documents):
        raise StageFailed(
            f"{source}: no record of split train has a token to train on "
            f"({documents.empty} have none within max_length)"
        )
    if not len(validation):
        raise UsageError(
            f"{source}: no record of split val, so nothing tells learning from memorising; "
            "give split a larger share for val, or more records"
        )


def _check_tokenizer(model: str, source: Path) -> None:
    """UsageError for tokens of another tokenizer, or rendered by another template."""
    for made in Corpus(source).manifest.get("steps", []):
        facts, said = made.get("facts") or {}, made.get("parameters") or {}
        if "tokenizer" in facts and "model" in said:
            found = difference(facts, model, str(said["model"]), said.get("chat") == "plain")
            if found is not None:
                raise UsageError(f"{source}: {found}")


def _check_vocabulary(model: Any, *rest: Any) -> None:
    *splits, source = rest
    size = int(model.get_input_embeddings().weight.shape[0])
    greatest = max(documents.greatest_id() for documents in splits)
    if greatest >= size:
        raise UsageError(
            f"{source} holds token {greatest}, and the model has {size:,}: it was tokenized for "
            "another model; name the same model in tokenize and train"
        )


def _check_positions(model: Any, *rest: Any) -> None:
    """UsageError for a document that has more tokens than the model has places for."""
    *splits, source = rest
    names = ("max_position_embeddings", "n_positions")
    places = next((n for name in names if (n := getattr(model.config, name, None))), None)
    longest = max(int(documents.lengths.max(initial=0)) for documents in splits)
    if places is not None and longest > places:
        raise UsageError(
            f"{source} has a record of {longest:,} tokens, and the model reads {places:,} at most: "
            f"tokenize with max_length: {places}, or cut what is longer with train's max_length"
        )


def _key(setting: Train, source: Path, threads: int, device: str, precision: str) -> str:
    """What a checkpoint depends on, beside the model's content, which the engine's key holds."""
    versions = [require(name, "train").__version__ for name in ("torch", "transformers", "peft")]
    facts = [
        check.as_json(setting), Corpus(source).manifest.get("digest"), threads, device, precision,
        versions,
    ]  # fmt: skip
    return hashlib.sha256(to_json(facts).encode()).hexdigest()


def _losses(
    documents: Documents, first: list[float], last: list[float]
) -> Iterator[dict[str, Any]]:
    """Loss of each validation record under the base model and at the end."""
    for number, name in enumerate(documents.ids):
        tokens = int(documents.targets[number])
        before, after = first[number] / tokens, last[number] / tokens
        yield {"id": name, "tokens": tokens, "before": before, "after": after}


@contextlib.contextmanager
def _deterministic(torch: Any) -> Iterator[None]:
    """Deterministic kernels where torch has them; the caller's settings and generator return."""
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    generators = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling all new memory would only show a kernel that reads what nobody wrote, and doubles RAM.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = filled
        random.setstate(generators[0])
        np.random.set_state(generators[1])
        torch.random.set_rng_state(generators[2])
