"""The stages of an account's steps, made again with the parameters that they had."""

from __future__ import annotations

from pipeline.engine.account import CountedStep, StepAccount
from stages import check
from stages.base import Stage
from stages.registry import loaded


def stage_of(step: StepAccount | CountedStep) -> Stage | None:
    """A step's stage; None where that would import a module for the sake of an account."""
    cls = loaded(step["stage"])
    return check.build(cls, step["parameters"]) if cls else None
