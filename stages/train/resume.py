"""Going on with a training: from which checkpoint, and what is refused as another training."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.train import checkpoint, identity
from stages.train.parallel import Group
from stages.train.state import State
from stages.words import number

if TYPE_CHECKING:
    from stages.train.train import Train

DRAWN = 31  # bits of a seed that is drawn


def left_behind(work: Path, asked: Mapping[str, Any], same: bool) -> str | None:
    """What a training of something else left unfinished in `work`: a sentence with what differs and
    what to do; None without a checkpoint there.

    same: whether the training that is asked for works in that very folder, and goes on where
    nothing differs. Elsewhere what has no difference is of other code or libraries.
    """
    state = next(checkpoint.states(work), None)
    if state is None:
        return None
    found = identity.differences(state["identity"], asked)
    if same and not found:
        return None
    if not found:
        now = identity.versions()
        kept = {name: state["means"][name] for name in now}
        found = [*identity.changes(kept, now)] or ["the version of seedbed, of Python or of a file"]
    return (
        f"an unfinished training stands here after step {number(state['done'])}, and is not the "
        f"one that is asked for: {'; '.join(found)}. To go on with it, put that back; to begin "
        f"anew, remove {work}"
    )


def found(work: Path, fresh: State, group: Group, parameters: Any, optimizer: Any) -> State:
    """Where the newest whole checkpoint stands, put back; the fresh state without one. A run that
    goes on in another way is told so."""
    newest = checkpoint.latest(work) if group.first else None
    said = group.told(newest[0] if newest else None)
    if said is None:
        return fresh
    state = State.of_json(said)
    tensors = newest[1] if newest else checkpoint.at(work, state.position)
    checkpoint.restore(parameters, optimizer, tensors)
    changed = [*identity.changes(state.means, fresh.means)]
    if group.first and changed:
        print(
            f"seedbed: train: goes on after step {state.done} in another way "
            f"({', '.join(changed)}): the last bits of the result may be others",
            file=sys.stderr,
        )
    return replace(state, means=fresh.means)


def seeded(setting: Train, work: Path) -> Train:
    """Settings with a seed: -1 is drawn once, and kept by the checkpoints of a run."""
    if setting.seed >= 0:
        return setting
    kept = next(checkpoint.states(work), None)
    seed = secrets.randbits(DRAWN) if kept is None else int(kept["seed"])
    return replace(setting, seed=seed)
