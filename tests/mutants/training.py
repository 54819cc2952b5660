"""Training: the step, the plan, the checkpoint, the loop, the data, the model, the adapter."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_STEP, _PLAN = "stages/train/step.py", "stages/train/plan.py"
_PACKING = "stages/tokens/packing.py"
PACKING = ("tests/tokens/test_packing.py",)
_CHECKPOINT, _LOOP = "stages/train/checkpoint.py", "stages/train/loop.py"
_DATA, _MODEL = "stages/train/data.py", "stages/train/model.py"


def _of_step(name: str) -> tuple[str, ...]:
    return (f"tests/train/test_step.py::{name}",)


def _of_train(name: str) -> tuple[str, ...]:
    return (f"tests/train/test_train.py::{name}",)


def _of_kills(name: str) -> tuple[str, ...]:
    return (f"tests/train/test_kills.py::{name}",)


def _of_data(name: str) -> tuple[str, ...]:
    return (f"tests/train/test_data.py::{name}",)


STEP = _of_step("test_a_step_is_that_of_the_paper")
PLAN = ("tests/train/test_plan.py",)
RESUMED = _of_kills("test_a_signal_saves_and_the_rerun_gives_the_same_bytes[15]")
LEARNS = _of_train("test_a_run_learns_and_says_what_it_did")
LAST = _of_train("test_the_adapter_loads_in_peft_and_has_the_last_loss")
TARGETS = _of_data("test_targets_are_the_masked_tokens_without_the_first_token")
PACKED = _of_train("test_a_packed_row_has_the_losses_of_separate_documents")
DAMAGED = _of_kills("test_a_damaged_checkpoint_is_told_and_the_older_one_used[one bit]")


def _reaches(name: str) -> tuple[str, ...]:
    return _of_train(f"test_a_setting_reaches_the_weights[{name}]")


MUTANTS = (
    # --- one step
    Mutant(
        _STEP,
        ".sum() / targets",
        ".mean()",
        "loss is the mean of each row, not of all targets",
        STEP,
    ),
    Mutant(
        _STEP,
        "clip or math.inf",
        "math.inf",
        "clip is ignored",
        STEP,
    ),
    Mutant(
        _STEP,
        "(0.9, 0.999), 1e-8",
        "(0.9, 0.95), 1e-8",
        "the betas are those of pre-training",
        STEP,
    ),
    Mutant(
        _STEP,
        "EPSILON, weight_decay)",
        "EPSILON, 0.01)",
        "weight decay is torch's default, whatever is asked for",
        STEP,
    ),
    Mutant(
        _STEP,
        'group["lr"] = lr',
        'group.setdefault("lr", lr)',
        "the rate of a step never reaches the optimizer",
        STEP,
    ),
    Mutant(
        _STEP,
        "    optimizer.zero_grad(set_to_none=True)\n",
        "",
        "gradients of earlier steps are added to later ones",
        STEP,
    ),
    Mutant(
        _STEP,
        "    model.train()\n",
        "    model.eval()\n",
        "dropout is off while training",
        _of_step("test_a_step_drops_inputs_of_the_adapter"),
    ),
    Mutant(
        _STEP,
        "if math.isfinite(loss) and math.isfinite(norm):",
        "if math.isfinite(loss):",
        "a gradient that is no number is taken where the loss is one",
        _of_step("test_a_gradient_that_is_not_finite_changes_nothing"),
    ),
    # --- the plan
    Mutant(
        _PLAN,
        'f"train.{seed}.{epoch}."',
        'f"train.{seed}."',
        "every epoch has the order of the first",
        PLAN,
    ),
    Mutant(
        _PLAN,
        'f"train.{seed}.{epoch}."',
        'f"train.{epoch}."',
        "the seed does not change the order",
        PLAN,
    ),
    Mutant(
        _PLAN,
        "peak * (step + 1) / (rising + 1)",
        "peak * step / rising",
        "the first step of the warm-up has a rate of zero",
        PLAN,
    ),
    Mutant(
        _PLAN,
        "peak * (step + 1) / (rising + 1)",
        "peak * (step + 1) / rising",
        "the warm-up is over a step too soon",
        PLAN,
    ),
    Mutant(
        _PLAN,
        "peak * 0.5 * (1 + math.cos(math.pi * part))",
        "peak * math.cos(math.pi * part / 2)",
        "cosine is a quarter of a wave",
        PLAN,
    ),
    Mutant(
        _PLAN,
        "(step - rising) / max(1, total - rising)",
        "step / total",
        "the schedule falls during the warm-up already",
        PLAN,
    ),
    Mutant(
        _PACKING,
        'order = np.argsort(-sizes, kind="stable")',
        'order = np.argsort(sizes, kind="stable")',
        "rows are packed with the shortest first, which wastes rows",
        PACKING,
    ),
    Mutant(
        _PACKING,
        "here = size + (fitting & -fitting).bit_length() - 1",
        "here = size + fitting.bit_length() - 1",
        "a document goes where there is the most room",
        PACKING,
    ),
    Mutant(
        _PACKING,
        "fitting = rooms >> size",
        "fitting = rooms >> size + 1 << 1",
        "a document that fits a row exactly gets another",
        PACKING,
    ),
    Mutant(
        _PACKING,
        'f"bins.{seed}.{epoch}"',
        'f"bins.{seed}"',
        "the same documents go together in every epoch",
        PACKING,
    ),
    Mutant(
        _PLAN,
        "nearest = after - 1 if wanted - running[after - 1] < running[after] - wanted else after",
        "nearest = after",
        "steps are cut behind their size, not nearest to it",
        PLAN,
    ),
    Mutant(
        _PLAN,
        "math.ceil(total / size)",
        "round(total / size)",
        "steps are larger than asked for where the rest is short",
        PLAN,
    ),
    # --- checkpoints
    Mutant(
        _CHECKPOINT,
        'if sha256_of(folder / name) != hashes["files"][name]:',
        'if name not in hashes["files"]:',
        "a checkpoint's hashes are not compared",
        DAMAGED,
    ),
    Mutant(
        _CHECKPOINT,
        "if sha256_of(folder.parent / name, 0, size) != digest:",
        "if (folder.parent / name).stat().st_size < size:",
        "of the curve that a checkpoint stands on only the size is compared",
        _of_kills("test_a_changed_curve_is_not_gone_on_from"),
    ),
    Mutant(
        _CHECKPOINT,
        'optimizer.load_state_dict({"state": moments,',
        'optimizer.load_state_dict({"state": {},',
        "a resumed run has no moments",
        RESUMED,
    ),
    Mutant(
        _CHECKPOINT,
        "parameters[name].copy_(value)",
        "value.copy_(parameters[name])",
        "a resumed run has the first values of the adapter",
        RESUMED,
    ),
    Mutant(
        _CHECKPOINT,
        'if state.get("key") == key:',
        'if state.get("key"):',
        "a checkpoint of other settings is gone on from",
        _of_kills("test_checkpoints_of_other_settings_are_not_gone_on_from"),
    ),
    Mutant(
        _CHECKPOINT,
        "KEPT = 2",
        "KEPT = 1",
        "the checkpoint before the newest is removed",
        DAMAGED,
    ),
    # --- the loop
    Mutant(
        _LOOP,
        "self._file.truncate(size)",
        "self._file.seek(size)",
        "lines of steps that are done again stand in the curve twice",
        _of_kills("test_killed_in_the_middle_a_rerun_gives_the_same_bytes"),
    ),
    Mutant(
        _LOOP,
        "    model.eval()\n    sums",
        "    model.train()\n    sums",
        "validation is measured in train mode, with dropout",
        LAST,
    ),
    Mutant(
        _LOOP,
        "losses[begin:end].sum()",
        "losses[begin:end].mean()",
        "a validation record counts with the mean of its tokens",
        LAST,
    ),
    Mutant(
        _LOOP,
        "np.cumsum(documents.targets[row])",
        "np.cumsum(documents.lengths[row])",
        "losses of a packed row are given to the wrong records",
        _of_train("test_validation_losses_are_those_of_each_record_alone"),
    ),
    Mutant(
        _LOOP,
        "order(documents.ids, setting.seed, epoch)",
        "order(documents.ids, setting.seed, 0)",
        "all epochs of a run have one order",
        LEARNS,
    ),
    Mutant(
        _LOOP,
        "lr = rate(done, total, setting.lr",
        "lr = rate(done + 1, total, setting.lr",
        "each step has the rate of the next",
        LEARNS,
    ),
    Mutant(
        _LOOP,
        "done % eval_every == 0 or done % per_epoch == 0",
        "done % eval_every == 0",
        "an epoch ends without a validation",
        LEARNS,
    ),
    Mutant(
        _LOOP,
        "seed_step(setting.seed, done)",
        "seed_step(setting.seed, 0)",
        "every step drops the same inputs",
        _of_train("test_every_step_has_a_seed_of_its_own"),
    ),
    Mutant(
        _LOOP,
        "seed_step(setting.seed, -1)",
        "seed_step(0, -1)",
        "the adapter starts the same for every seed",
        _reaches("seed"),
    ),
    Mutant(
        _LOOP,
        "optimizer_of(parameters.values(), setting.weight_decay)",
        "optimizer_of(parameters.values(), 0.0)",
        "weight decay never reaches the optimizer",
        _reaches("weight_decay"),
    ),
    Mutant(
        _LOOP,
        "alpha=setting.alpha",
        "alpha=2 * setting.rank",
        "alpha is twice the rank, whatever is asked for",
        _reaches("alpha"),
    ),
    Mutant(
        _LOOP,
        "dropout=setting.dropout",
        "dropout=0.0",
        "dropout never reaches the adapter",
        _reaches("dropout"),
    ),
    Mutant(
        _LOOP,
        "clip=setting.clip",
        "clip=1.0",
        "clip is 1, whatever is asked for",
        _reaches("clip"),
    ),
    Mutant(
        _LOOP,
        "before, after = first[number] / tokens, last[number] / tokens",
        "after, before = first[number] / tokens, last[number] / tokens",
        "a record's loss before training is told as that after it",
        LEARNS,
    ),
    # --- the data
    Mutant(
        _DATA,
        "        targets[:1] = False  #",
        "        #",
        "a document's first token is learned from the document before it",
        TARGETS,
    ),
    Mutant(
        _DATA,
        "short = np.minimum(whole, max_length)",
        "short = whole",
        "max_length of the training is ignored",
        TARGETS,
    ),
    Mutant(
        _DATA,
        'pc.equal(batch.column("split"), split)',
        'pc.equal(batch.column("split"), "train")',
        "validation is measured on the training records",
        _of_train("test_validation_losses_are_those_of_each_record_alone"),
    ),
    Mutant(
        _DATA,
        'np.searchsorted(held, tokens, side="right")',
        'np.searchsorted(held, tokens, side="left")',
        "a budget that is met exactly loses a record",
        _of_data("test_a_budget_takes_whole_records_by_hash_and_no_more_tokens"),
    ),
    # --- the model
    Mutant(
        _MODEL,
        "np.concatenate([np.arange(len(tokens)) for tokens, _ in documents])",
        "np.arange(len(ids))",
        "documents of a packed row see each other",
        PACKED,
    ),
    Mutant(
        _MODEL,
        '"predicting": torch.from_numpy(targets - 1)',
        '"predicting": torch.from_numpy(targets)',
        "a token is predicted where it can be seen",
        _of_train("test_losses_are_those_of_transformers"),
    ),
    Mutant(
        _MODEL,
        '"fp32": 1e-3',
        '"fp32": 1.0',
        "a model that mixes documents is taken to keep them apart",
        _of_train("test_a_model_that_mixes_documents_is_noticed"),
    ),
    Mutant(
        _MODEL,
        'method != "full" and precision == "bf16"',
        'precision == "bf16"',
        "weights that are trained are rounded to bf16",
        _of_train("test_bf16_keeps_weights_that_are_trained_in_fp32"),
    ),
    Mutant(
        _MODEL,
        " and module is not head",
        "",
        "all-linear trains the output layer too",
        _of_step("test_all_linear_is_all_but_the_output_layer"),
    ),
    Mutant(
        _MODEL,
        "r=rank, lora_alpha=alpha",
        "r=rank, lora_alpha=rank",
        "the adapter's scale is 1",
        _of_step("test_an_adapter_adds_alpha_over_rank_of_its_product"),
    ),
    Mutant(
        "stages/train/samples.py",
        '"before": first["completion"]',
        '"before": first["reference"]',
        "the record's own answer is shown as that before training",
        _of_data("test_samples_are_told_before_and_after"),
    ),
    Mutant(
        "stages/train/model_card.py",
        "summary['val_loss_first']:.4f",
        "summary['val_loss_last']:.4f",
        "the card tells the last loss as that before training",
        _of_data("test_the_card_tells_the_losses_before_and_after"),
    ),
)
