"""Training: the step, the plan, the checkpoint, the loop, the data, the model, the adapter."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_STEP, _PLAN = "stages/train/step.py", "stages/train/plan.py"
_BINS = "stages/tokens/packing.py"
PACKING = ("tests/tokens/test_bins.py",)
_CHECKPOINT = "stages/train/checkpoint.py"
_DATA, _MODEL = "stages/train/data.py", "stages/train/model.py"
_OPTIMIZER, _SCHEDULE = "stages/train/optimizer.py", "stages/train/schedule.py"
_TRAINING, _SETUP = "stages/train/training.py", "stages/train/setup.py"
_COURSE, _EVALUATE = "stages/train/course.py", "stages/train/evaluate.py"
_ADAPTER, _LOSS = "stages/train/adapter.py", "stages/train/loss.py"
_PACKING = "stages/train/packing.py"
_STAGE = "stages/train/train.py"


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
RATES = ("tests/train/test_schedule.py",)
COURSE = "tests/train/test_course.py::"
RESUMED = _of_kills("test_a_signal_saves_and_the_rerun_gives_the_same_bytes[15]")
LEARNS = _of_train("test_a_run_learns_and_says_what_it_did")
LAST = _of_train("test_the_adapter_loads_in_peft_and_has_the_last_loss")
TARGETS = _of_data("test_targets_are_the_masked_tokens_without_the_first_token")
PACKED = _of_train("test_a_packed_row_has_the_losses_of_separate_documents")
OTHER = "tests/train/test_another_training.py::"
DAMAGED = _of_kills("test_a_damaged_checkpoint_is_told_and_the_older_one_used[one bit]")


def _reaches(name: str) -> tuple[str, ...]:
    return _of_train(f"test_a_setting_reaches_the_weights[{name}]")


MUTANTS = (
    # --- one step
    Mutant(
        _STEP,
        '.sum() * row["counts"] / targets',
        '.mean() * row["counts"]',
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
        _OPTIMIZER,
        "= (0.9, 0.999)",
        "= (0.9, 0.95)",
        "the betas are those of pre-training",
        STEP,
    ),
    Mutant(
        _OPTIMIZER,
        '"weight_decay": decay',
        '"weight_decay": 0.01',
        "weight decay is torch's default, whatever is asked for",
        STEP,
    ),
    Mutant(
        _OPTIMIZER,
        'group["lr"] = rate * group["scale"]',
        'group.setdefault("lr", rate)',
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
        "finite = math.isfinite(loss) and math.isfinite(norm)",
        "finite = math.isfinite(loss)",
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
        _SCHEDULE,
        "peak * (step + 1) / (warmup + 1)",
        "peak * step / warmup",
        "the first step of the warm-up has a rate of zero",
        RATES,
    ),
    Mutant(
        _SCHEDULE,
        "peak * (step + 1) / (warmup + 1)",
        "peak * (step + 1) / warmup",
        "the warm-up is over a step too soon",
        RATES,
    ),
    Mutant(
        _SCHEDULE,
        "peak * 0.5 * (1 + math.cos(math.pi * part))",
        "peak * math.cos(math.pi * part / 2)",
        "cosine is a quarter of a wave",
        RATES,
    ),
    Mutant(
        _SCHEDULE,
        "(step - warmup) / max(1, total - warmup)",
        "step / total",
        "the schedule falls during the warm-up already",
        RATES,
    ),
    Mutant(
        _BINS,
        'order = np.argsort(-sizes, kind="stable")',
        'order = np.argsort(sizes, kind="stable")',
        "rows are packed with the shortest first, which wastes rows",
        PACKING,
    ),
    Mutant(
        _BINS,
        "here = size + (fitting & -fitting).bit_length() - 1",
        "here = size + fitting.bit_length() - 1",
        "a document goes where there is the most room",
        PACKING,
    ),
    Mutant(
        _BINS,
        "fitting = rooms >> size",
        "fitting = rooms >> size + 1 << 1",
        "a document that fits a row exactly gets another",
        PACKING,
    ),
    Mutant(
        _BINS,
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
        'hashes["files"]["tensors"])',
        'sha256_of(folder / "tensors"))',
        "a checkpoint's hashes are not compared",
        DAMAGED,
    ),
    Mutant(
        _CHECKPOINT,
        "_compare(folder.parent / name, size, digest)",
        "(folder.parent / name).stat()",
        "of the curve that a checkpoint stands on only the size is compared",
        _of_kills("test_a_changed_curve_is_not_gone_on_from"),
    ),
    Mutant(
        _CHECKPOINT,
        'optimizer.load_state_dict({"state": state,',
        'optimizer.load_state_dict({"state": {},',
        "a resumed run has no moments",
        RESUMED,
    ),
    Mutant(
        _CHECKPOINT,
        'value.copy_(parted(tensors[f"parameter/{name}"], value))',
        'parted(tensors[f"parameter/{name}"], value).copy_(value)',
        "a resumed run has the first values of the adapter",
        RESUMED,
    ),
    Mutant(
        _SETUP,
        "if records is not None and records > len(documents):",
        "if False:",
        "a step of more records than there are is an epoch, unnoticed",
        (
            "tests/train/test_train.py::"
            "test_a_step_of_more_than_there_is_is_refused_before_the_model_is_loaded",
        ),
    ),
    Mutant(
        "stages/train/resume.py",
        'identity.differences(state["identity"], asked)',
        "[]",
        "a checkpoint of other settings is gone on from",
        (f"{OTHER}test_other_settings_are_refused_with_what_differs[rate]",),
    ),
    Mutant(
        "stages/train/identity.py",
        'if before["base"] != now["base"]:',
        "if False:",
        "a checkpoint is gone on from beside other weights",
        (f"{OTHER}test_other_weights_of_the_base_are_refused",),
    ),
    Mutant(
        "stages/train/identity.py",
        "if k not in setting.means and k",
        "if k",
        "other threads or shorter rows begin a training anew",
        (f"{OTHER}test_another_way_to_compute_goes_on_and_is_told",),
    ),
    Mutant(
        "stages/train/resume.py",
        "if kept is None else int(kept",
        "if kept is not None else int((kept or {'seed': 0})",
        "a run that goes on draws another seed",
        (f"{OTHER}test_a_drawn_seed_goes_along_with_the_copies",),
    ),
    Mutant(
        _CHECKPOINT,
        "KEPT = 2",
        "KEPT = 1",
        "the checkpoint before the newest is removed",
        _of_kills("test_two_checkpoints_are_kept"),
    ),
    # --- the loop
    Mutant(
        "stages/train/curve.py",
        "self._file.truncate(size)",
        "self._file.seek(size)",
        "lines of steps that are done again stand in the curve twice",
        ("tests/pipeline/test_training.py::test_a_kill_in_training_ends_with_the_same_bits",),
    ),
    Mutant(
        _EVALUATE,
        "    model.eval()\n",
        "    model.train()\n",
        "validation is measured in train mode, with dropout",
        LAST,
    ),
    Mutant(
        _EVALUATE,
        "figures, begins, axis=1)",
        "figures, begins, axis=1) / documents.targets[row]",
        "a validation record counts with the mean of its tokens",
        LAST,
    ),
    Mutant(
        _EVALUATE,
        "np.cumsum([0, *documents.targets[row][:-1]])",
        "np.cumsum([0, *np.maximum(documents.targets[row][:-1] - 1, 1)])",
        "losses of a packed row are given to the wrong records",
        _of_train("test_validation_losses_are_those_of_each_record_alone"),
    ),
    Mutant(
        _COURSE,
        "order(self.documents.ids, self.setting.seed, epoch)",
        "order(self.documents.ids, self.setting.seed, 0)",
        "all epochs of a run have one order",
        LEARNS,
    ),
    Mutant(
        _COURSE,
        "self.rate(number),",
        "self.rate(number + 1),",
        "each step has the rate of the next",
        LEARNS,
    ),
    Mutant(
        _COURSE,
        "at_end = done in (0, self.total) or done % self.per_epoch == 0",
        "at_end = done in (0, self.total)",
        "an epoch ends without a validation",
        LEARNS,
    ),
    Mutant(
        _TRAINING,
        "seed_step(self.setting.seed, step, at)",
        "seed_step(self.setting.seed, 0, at)",
        "every step drops the same inputs",
        _of_train("test_every_row_of_every_step_has_a_seed_of_its_own"),
    ),
    Mutant(
        _SETUP,
        "seed_step(setting.seed, -1)",
        "seed_step(0, -1)",
        "the adapter starts the same for every seed",
        _reaches("seed"),
    ),
    Mutant(
        _STAGE,
        "self.optimizer, self.weight_decay, betas",
        "self.optimizer, 0.0, betas",
        "weight decay never reaches the optimizer",
        _reaches("weight_decay"),
    ),
    Mutant(
        _ADAPTER,
        "lora_alpha=settings.alpha",
        "lora_alpha=2 * settings.rank",
        "alpha is twice the rank, whatever is asked for",
        _reaches("alpha"),
    ),
    Mutant(
        _ADAPTER,
        "lora_dropout=settings.dropout",
        "lora_dropout=0.0",
        "dropout never reaches the adapter",
        _reaches("dropout"),
    ),
    Mutant(
        _TRAINING,
        "clip=self.setting.clip",
        "clip=1.0",
        "clip is 1, whatever is asked for",
        _reaches("clip"),
    ),
    Mutant(
        "stages/train/result.py",
        "losses[0] if losses else None",
        "losses[-1] if losses else None",
        "the first loss that is told is the last one",
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
        "short = whole if max_length is None else np.minimum(whole, max_length)",
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
        _LOSS,
        "np.concatenate([np.arange(length) for length in lengths])",
        "np.arange(len(ids))",
        "documents of a packed row see each other",
        PACKED,
    ),
    Mutant(
        _LOSS,
        '"predicting": torch.from_numpy(targets - 1)',
        '"predicting": torch.from_numpy(targets)',
        "a token is predicted where it can be seen",
        _of_train("test_losses_are_those_of_transformers"),
    ),
    Mutant(
        _PACKING,
        'CLOSE = {"fp32": 1e-3',
        'CLOSE = {"fp32": 1e9',
        "a document that is read in another place of the row is taken to be read alone",
        ("tests/train/test_packing.py::test_positions_that_go_on_behind_a_neighbour_are_noticed",),
    ),
    Mutant(
        _MODEL,
        'torch.float32 if method == "full" else half',
        "half",
        "weights that are trained are rounded to bf16",
        _of_train("test_bf16_keeps_weights_that_are_trained_in_fp32"),
    ),
    Mutant(
        _ADAPTER,
        " and not one.head",
        "",
        "all-linear trains the output layer too",
        _of_step("test_all_linear_is_all_but_the_output_layer"),
    ),
    Mutant(
        _ADAPTER,
        "        lora_alpha=settings.alpha,",
        "        lora_alpha=settings.rank,",
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
        '("before", "val_loss_first")',
        '("before", "val_loss_last")',
        "the card tells the last loss as that before training",
        _of_data("test_the_card_tells_the_losses_before_and_after"),
    ),
)
