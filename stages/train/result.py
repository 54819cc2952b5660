"""What a training leaves: the adapter or model, its curve, its figures, its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import check
from stages.corpus import Corpus, write_json
from stages.train import adapter, added, bases, handover, samples
from stages.train import model as models
from stages.train.setup import Sides

if TYPE_CHECKING:
    from stages.train.training import Training


def write(
    training: Training,
    sides: Sides,
    folder: Path,
    source: Path,
    out: Path,
    after: list[dict[str, str]],
    lines: Sequence[dict[str, Any]],
    weights: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Write everything but the curve into `out`; returns the summary.

    folder: of the base model. after: completions of the trained model. lines: of the curve.
    weights: of a whole model that is spread over processes.
    """
    setting, state, ready = training.setting, training.state, training.ready
    if setting.method == "full":
        models.save_model(ready.model, out, weights)
    else:
        base = bases.name_of(setting.model)
        adapter.save_adapter(ready.model, out, setting.adapter(), ready.begun, base)
    write_json(out / "samples.json", samples.paired(state.before or [], after))
    new = added.added_tokens(source)
    summary = {
        **_facts(training, sides),
        **_losses_of(lines),
        **({"added_tokens": new} if new else {}),
    }
    write_json(out / "summary.json", summary)
    added.save_tokenizer(setting.model, new, out)
    handover.complete(
        out,
        model=setting.model,
        folder=folder,
        template=samples.chat_template(setting.model, folder, source),
        summary=summary,
        parameters=check.as_json(setting),
        sources=Corpus(source).sources,
    )
    return summary


def _facts(training: Training, sides: Sides) -> dict[str, Any]:
    setting, state, course = training.setting, training.state, training.course
    documents, validation = sides.documents, sides.validation
    return {
        "base": bases.name_of(setting.model).model,
        "method": setting.method,
        "seed": setting.seed,
        "steps": state.done,
        "steps_skipped": state.skipped,
        "result_step": state.best[0] if training.takes_best and state.best else state.done,
        **({"stopped": state.stopped} if state.stopped else {}),
        "epochs": setting.epochs,
        "epoch_borders": list(range(course.per_epoch, state.done, course.per_epoch)),
        "tokens": state.tokens,
        "trained_tokens": state.trained,
        "records_train": len(documents),
        "records_unused": sides.everything - len(documents),
        "records_val": len(validation),
        "records_cut": documents.cut + validation.cut,
        "records_without_targets": documents.empty + validation.empty,
        "trainable_parameters": sum(value.numel() for value in training.ready.parameters.values()),
        "without_adapter": training.ready.left_out,
        "attention": training.ready.way,
        "processes": training.group.size,
        "device": training.machine.device,
        "precision": training.machine.precision,
    }


def _losses_of(lines: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """The first and the last loss of each side; None where there was none."""
    made: dict[str, float | None] = {}
    for side in ("train", "val", "retention"):
        losses = [line["loss"] for line in lines if line["split"] == side]
        made[f"{side}_loss_first"] = losses[0] if losses else None
        made[f"{side}_loss_last"] = losses[-1] if losses else None
    return made
