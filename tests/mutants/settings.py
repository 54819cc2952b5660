"""Mutations of what the settings of a training ask for: rates, attention, adapters, batches."""

from __future__ import annotations

from tests.mutants.mutant import Mutant
from tests.mutants.training import COURSE, RATES

_ADAPTER = "stages/train/adapter.py"
_ATTENTION = "stages/train/attention.py"
_CHECKPOINT = "stages/train/checkpoint.py"
_COURSE = "stages/train/course.py"
_LOSS = "stages/train/loss.py"
_MODEL = "stages/train/model.py"
_OPTIMIZER = "stages/train/optimizer.py"
_PACKING = "stages/train/packing.py"
_SCHEDULE = "stages/train/schedule.py"
_STEP = "stages/train/step.py"
_TRAINING = "stages/train/training.py"

MUTANTS = (
    Mutant(
        _SCHEDULE,
        "RISING = 0.5",
        "RISING = 0.1",
        "a cosine by epoch warms up for a tenth of it",
        RATES,
    ),
    Mutant(
        _SCHEDULE,
        "step % per_epoch, per_epoch, peak",
        "step, total, peak",
        "a cosine by epoch falls once in the run",
        RATES,
    ),
    Mutant(
        _OPTIMIZER,
        '"lora_B" in name',
        '"lora_A" in name',
        "LoRA+ hurries the matrices A",
        ("tests/train/test_adapter.py::test_loraplus_trains_the_matrices_b_faster",),
    ),
    Mutant(
        _ADAPTER,
        "torch.cat([state[name], -first[name]], dim=1)",
        "torch.cat([state[name], first[name]], dim=1)",
        "what PiSSA took from the base is added once more",
        (
            "tests/train/test_adapter.py::test_a_saved_adapter_on_the_plain_base_is_the_trained_model",
        ),
    ),
    Mutant(
        _ADAPTER,
        "(math.sqrt(2) if settings.rslora else 2)",
        "2",
        "PiSSA with rsLoRA is written with another scale",
        (
            "tests/train/test_adapter.py::test_a_saved_adapter_on_the_plain_base_is_the_trained_model",
        ),
    ),
    Mutant(
        _ATTENTION,
        "(back >= 0) & (back < (size or length))",
        "back >= 0",
        "a sliding window is not kept",
        ("tests/train/test_packing.py::test_a_row_has_the_losses_of_its_documents_alone",),
    ),
    Mutant(
        _ATTENTION,
        "cap * torch.tanh(scores / cap)",
        "scores",
        "scores have no soft cap",
        ("tests/train/test_packing.py::test_a_row_has_the_losses_of_its_documents_alone",),
    ),
    Mutant(
        _PACKING,
        " and not _reaches(model, [one, two], precision, device)",
        "",
        "a leak that half precision rounds away is not seen",
        ("tests/train/test_packing.py::test_a_weak_leak_is_noticed_in_half_precision",),
    ),
    Mutant(
        _LOSS,
        "_HEADS[model] = head if same else None",
        "_HEADS[model] = head",
        "logits in pieces are not scaled",
        ("tests/train/test_packing.py::test_logits_in_pieces_give_the_same_losses_and_gradients",),
    ),
    Mutant(
        _MODEL,
        "one.gradient_checkpointing = number % every == 0",
        "one.gradient_checkpointing = True",
        "every layer is recomputed where every second was asked for",
        ("tests/train/test_packing.py::test_recomputed_activations_change_no_gradient",),
    ),
    Mutant(
        "stages/train/parallel.py",
        "torch.distributed.all_reduce(flat)",
        "pass",
        "each process steps with its own gradient",
        (COURSE + "test_two_processes_train_as_one",),
    ),
    Mutant(
        _TRAINING,
        "seed_step(self.setting.seed, step, at)",
        "seed_step(self.setting.seed, step, self.group.rank)",
        "what is dropped depends on the process",
        (COURSE + "test_two_processes_train_as_one",),
    ),
    Mutant(
        "stages/train/scaling.py",
        "value.grad.div_(self.scale)",
        "pass",
        "the gradient of fp16 stays scaled",
        (COURSE + "test_fp16_scales_the_loss_and_learns",),
    ),
    Mutant(
        _COURSE,
        "setting.per_device_batch * (setting.accumulation or 1) * self.processes",
        "setting.per_device_batch",
        "accumulation and processes do not count in the size of a step",
        (COURSE + "test_how_many_records_a_step_has",),
    ),
    Mutant(
        "stages/train/state.py",
        "self.best[1] <= loss",
        "self.best[1] >= loss",
        "the worst validation is the best",
        (COURSE + "test_the_best_validation_can_be_the_result",),
    ),
    Mutant(
        _TRAINING,
        "waited >= self.setting.save_minutes",
        "False",
        "the clock asks for no checkpoint",
        ("tests/train/test_resume.py::test_the_clock_asks_for_checkpoints",),
    ),
    Mutant(
        "stages/train/copies.py",
        "for name in (*FILES, HASHES):\n                    self._system.get_file",
        "for name in FILES:\n                    self._system.get_file",
        "a copy is taken though it is not whole",
        ("tests/train/test_resume.py::test_a_copy_without_its_hashes_is_none",),
    ),
    Mutant(
        _TRAINING,
        'named = ", ".join(ids[at] for at in numbers[:IDS])',
        'named = ", ".join(ids[at] for at in range(IDS))',
        "divergence names other records",
        (COURSE + "test_divergence_names_the_records_of_its_step",),
    ),
    Mutant(
        "stages/train/parallel.py",
        "counts = float(self.size) if self.reduced else 1.0",
        "counts = 1.0",
        "a model over processes learns from a mean of their gradients",
        ("tests/train/test_sharding.py::test_a_spread_model_trains_as_a_whole_one[full]",),
    ),
    Mutant(
        "stages/train/parallel.py",
        "mine += [(order[-1], 0.0)]",
        "mine += [(order[-1], 1.0)]",
        "a row that only evens out is learned from twice",
        (
            "tests/train/test_sharding.py::test_rows_are_shared_by_weight_and_evened_out_by_rows_that_count_nothing",
        ),
    ),
    Mutant(
        _STEP,
        ' * row["counts"]',
        "",
        "what a row counts is ignored",
        ("tests/train/test_sharding.py::test_a_spread_model_trains_as_a_whole_one",),
    ),
    Mutant(
        _CHECKPOINT,
        'value.copy_(parted(tensors[f"parameter/{name}"], value))',
        "pass",
        "the best checkpoint's values are not put back",
        (COURSE + "test_the_best_validation_can_be_the_result",),
    ),
    Mutant(
        "stages/train/retention.py",
        "GENERAL: (BUILT_IN,)",
        "GENERAL: ()",
        "a key forgets the built-in text of retention",
        ("tests/pipeline/test_keys.py::test_files_that_code_reads_are_resources_of_its_stages",),
    ),
)
