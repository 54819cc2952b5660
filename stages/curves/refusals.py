"""Logs that are no cross-entropy curve: preference training, reinforcement, several runs."""

from __future__ import annotations

import math

import numpy as np

from stages.curves.columns import plain
from stages.curves.lines import Lines, chart_runs
from stages.curves.log import Array

LN2 = math.log(2)
NEGATIVE = 0.02  # share of losses below zero from which they are no cross-entropy
# Beside the loss of preference training (DPO, KTO, ORPO, SimPO, reward models), under `rewards/`,
# `logps/` and `logits/` or, in older trainers, as they are.
PAIRED = {"chosen", "rejected", "margins", "accuracies"}
OF_PAIRS = ("rewards_", "logps_", "reward_margin", "log_odds", "sft_loss_chosen")
OF_POLICIES = {
    "reward", "reward_std", "rewards", "mean_reward", "kl", "objective_kl", "policy_loss",
    "value_loss", "completion_length", "completions_mean_length", "frac_reward_zero_std",
    "reward_mean", "policy_entropy", "approx_kl", "pg_loss", "vf_loss",
}  # fmt: skip
OF_STEPS = ("policy_", "loss_policy", "ppo_", "grpo_")
SIDES = ("train_", "eval_", "val_", "valid_", "objective_")


def refusal(found: Lines, values: Array) -> str | None:
    """Why a log is refused, `kind: sentence`; None for one that may be read.

    Only columns that hold something count: some trainers write every key with null.
    values: training losses.
    """
    names = {_bare(name) for name in found.columns}
    if any(name.startswith(OF_PAIRS) for name in names) or len(PAIRED & names) >= 2:
        return (
            "dpo: the log has rewards, margins or log-probabilities of chosen and rejected "
            "answers; the loss of preference training is no cross-entropy"
        )
    if names & OF_POLICIES or any(name.startswith(OF_STEPS) for name in names):
        return "rl: the log has rewards or a policy's terms; such a loss says nothing of fit"
    finite = values[np.isfinite(values)]
    if len(finite) and (finite < 0).mean() > NEGATIVE:
        return "rl: losses are negative, so this is no cross-entropy"
    # A classifier's log has the accuracy of validation under the same word as its own.
    known = {plain(name) for name in found.columns}
    beside = known & {"accuracy", "train_accuracy", "reward_accuracy"}
    classifier = bool(known & {"val_accuracy", "val_acc"})
    near = len(finite) > 0 and min(abs(finite[:3] - LN2)) < 0.05
    if beside and near and not classifier:
        return (
            "dpo: accuracy is logged beside a loss that starts at ln 2, as preference training "
            "does; name the log of a cross-entropy run"
        )
    if len(runs := chart_runs(found.columns)) > 1:
        return (
            f"several-runs: the table holds the losses of {len(runs)} runs "
            f"({', '.join(runs[:6])}); export each by itself"
        )
    return None


def _bare(name: str) -> str:
    known = plain(name)
    for side in SIDES:
        known = known.removeprefix(side)
    return known
