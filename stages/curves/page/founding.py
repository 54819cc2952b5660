"""The files of "The space of LLM learning curves" (Michaud 2023), and others of their form.

A folder holds `curves*.npy` (float, tokens × checkpoints, in nats; of several models a third axis
before them), `tokens.pkl` (a pickled list of lists of token strings, the predicted token last),
and may hold `projection*.npy` (tokens × 2), `*mean-curve.npy` (checkpoints) and `steps.npy`. A
folder of mean curves alone is read as learning curves, one a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stages.curves.page.pickled import lists_of_strings
from stages.curves.page.tokens import Texts, TokenCurves, shortened
from stages.errors import UsageError

Array = np.ndarray[Any, Any]

# The checkpoints of Pythia (Biderman et al. 2023): 154 of them.
PYTHIA = (0, *(1 << power for power in range(10)), *range(1000, 143001, 1000))
MOST = 400_000_000  # values of a file of curves


@dataclass(frozen=True)
class Founding:
    """curves: of tokens, or None for a folder of mean curves alone. means: (name, steps, losses) of
    each mean curve."""

    curves: TokenCurves | None
    means: list[tuple[str, Array, Array]] = field(default_factory=list)


def is_founding(folder: Path) -> bool:
    """Whether a folder holds files of this form."""
    return folder.is_dir() and (
        (any(folder.glob("curves*.npy")) and (folder / "tokens.pkl").is_file())
        or any(folder.glob("*mean-curve.npy"))
    )


def read(folder: Path, model: int | None = None) -> Founding:
    """What a folder holds. model: which of several models' curves, from 0; default: the last."""
    means = [_mean(folder, path) for path in sorted(folder.glob("*mean-curve.npy"))]
    files = sorted(folder.glob("curves*.npy"))
    if not files:
        if model is not None:
            raise UsageError(f"{folder} holds no curves*.npy to choose a model of")
        return Founding(None, means)
    if not (folder / "tokens.pkl").is_file():
        raise UsageError(
            f"{folder} has {files[0].name} and no tokens.pkl, which says whose they are"
        )
    if len(files) > 1:
        told = ", ".join(path.name for path in files)
        raise UsageError(f"{folder} holds {told}: name a folder with one of them")
    losses, notes = _losses(files[0], model)
    steps, axis = _steps(folder, losses.shape[1])
    contexts = lists_of_strings(folder / "tokens.pkl")
    if len(contexts) != len(losses):
        raise UsageError(
            f"{folder}: {files[0].name} has {len(losses):,} curves and tokens.pkl "
            f"{len(contexts):,} contexts: they must be of the same tokens"
        )
    if empty := next((at for at, context in enumerate(contexts) if not context), None):
        raise UsageError(f"{folder / 'tokens.pkl'}: context {empty} has no token")
    before = shortened(contexts, len(contexts))
    texts, at = Texts(), np.zeros(len(contexts), dtype=np.int64)
    repeated = np.zeros(len(contexts), dtype=bool)
    for number, context in enumerate(contexts):
        kept = context[-before:] if before else context
        at[number] = texts.add(kept) + len(kept) - 1
        repeated[number] = _pair_before(context)
        contexts[number] = []  # they are large
    ids, begins, known = texts.made()
    if before:
        notes.append(f"of each context the last {before} tokens are in this page")
    curves = TokenCurves(
        steps, losses, ids, begins, at, known,
        names=[f"context {number}" for number in range(len(at))],
        sources=[folder.name] * len(at),
        axis=axis, points=_points(folder, len(at)), before=before, repeated=repeated, notes=notes,
    )  # fmt: skip
    return Founding(curves, means)


def _pair_before(context: list[str]) -> bool:
    """Whether the last token and the one before it stand side by side earlier in a context."""
    if len(context) < 3:
        return False
    one, other = context[-2], context[-1]
    return any(context[at] == one and context[at + 1] == other for at in range(len(context) - 2))


def _array(path: Path, dimensions: tuple[int, ...]) -> Array:
    """Real numbers of a .npy file, mapped; UsageError for anything else."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} is no .npy file of numbers: {error}") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise UsageError(f"{path} holds no real numbers")
    if found.ndim not in dimensions or found.size == 0:
        wanted = " or ".join(map(str, dimensions))
        raise UsageError(f"{path} has the shape {found.shape}, and {wanted} axes are needed")
    if found.size > MOST:
        raise UsageError(f"{path} has more than {MOST:,} values, which no page holds")
    return found


def _losses(path: Path, model: int | None) -> tuple[Array, list[str]]:
    found = _array(path, (2, 3))
    notes = []
    if found.ndim == 3:
        chosen = len(found) - 1 if model is None else model
        if not 0 <= chosen < len(found):
            raise UsageError(f"{path} holds models 0 to {len(found) - 1}, and no {chosen}")
        notes.append(f"model {chosen} of the {len(found)} in {path.name}")
        found = found[chosen]
    elif model not in (None, 0):
        raise UsageError(f"{path} holds one model, and no {model}")
    return np.asarray(found, dtype=np.float32), notes


def _steps(folder: Path, count: int) -> tuple[Array, str]:
    """The steps of the checkpoints, and what they are called."""
    if (folder / "steps.npy").is_file():
        steps = np.asarray(_array(folder / "steps.npy", (1,)), dtype=np.float64)
        whole = np.floor(steps)
        rising = np.isfinite(steps).all() and (np.diff(whole) > 0).all()
        if len(steps) != count or not rising or steps[0] < 0:
            raise UsageError(f"{folder / 'steps.npy'}: {count} rising steps from 0 on are needed")
        return whole.astype(np.int64), "step"
    if count == len(PYTHIA):
        return np.array(PYTHIA, dtype=np.int64), "step"
    return np.arange(count, dtype=np.int64), "checkpoint"


def _points(folder: Path, count: int) -> Array | None:
    files = sorted(folder.glob("projection*.npy"))
    if not files:
        return None
    points = np.asarray(_array(files[0], (2,)), dtype=np.float32)
    if points.shape != (count, 2) or not np.isfinite(points).all():
        raise UsageError(f"{files[0]} has the shape {points.shape}, and ({count}, 2) is needed")
    return points


def _mean(folder: Path, path: Path) -> tuple[str, Array, Array]:
    losses = np.asarray(_array(path, (1,)), dtype=np.float64)
    steps, _ = _steps(folder, len(losses))
    return path.name.removesuffix("-mean-curve.npy"), steps, losses
