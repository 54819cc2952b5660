"""Training: the step, the plan, the checkpoint, the loop, the adapter."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

STEP = ("tests/train/test_step.py",)
PLAN = ("tests/train/test_plan.py",)

MUTANTS = (
    Mutant(
        "stages/train/step.py",
        ".sum() / targets",
        ".mean()",
        "loss is the mean of each row, not of all targets",
        STEP,
    ),
    Mutant(
        "stages/train/step.py",
        "clip or math.inf",
        "math.inf",
        "clip is ignored",
        STEP,
    ),
)
