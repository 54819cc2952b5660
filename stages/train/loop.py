"""The training loop, from the tokens corpus to the adapter folder, in the order things happen.

The gradient of an optimizer step is that of the mean loss over all its trained-on tokens, however
they are cut into rows. Every row seeds its own randomness and every step asks the course what is
due, so a run that was killed goes on with the bits of one that was not.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import check, json_lines
from stages.base import Progress
from stages.errors import UsageError
from stages.train import checkpoint, identity, recorded, result, resume, retention
from stages.train import model as models
from stages.train.added import added_tokens
from stages.train.copies import Copies
from stages.train.course import Course
from stages.train.curve import Curve, watchers
from stages.train.data import nothing
from stages.train.launch import together
from stages.train.measure import head_of, measured, rules
from stages.train.optimizer import optimizer_of
from stages.train.parallel import Group
from stages.train.recorded import Recorded
from stages.train.recorder import Recorder
from stages.train.samples import completions
from stages.train.setup import deterministic, machine_of, read_sides, ready
from stages.train.sharding import whole_state
from stages.train.signals import StopWish
from stages.train.spelling import spelling_of
from stages.train.state import State
from stages.train.training import Training

if TYPE_CHECKING:
    from stages.train.train import Train


def run(setting: Train, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
    """Train as the settings say; writes the adapter folder `out` and returns its summary."""
    asked = identity.asked_of(setting, source)
    copies = Copies(setting.copy_to, identity.key_of(asked))
    copies.fetch(work)
    if wrong := resume.left_behind(work, asked, same=True):
        raise UsageError(wrong)
    setting = resume.seeded(setting, work)
    with together(setting, source, work) as group:
        made = train(setting, source, out, work, progress, group, asked, copies)
        assert made is not None
        return made


def train(
    setting: Train,
    source: Path,
    out: Path,
    work: Path,
    progress: Progress,
    group: Group,
    asked: dict[str, Any],
    copies: Copies,
) -> dict[str, Any] | None:
    """What every process of the group does; the first one returns the summary.

    asked: what is trained, as `identity` says; it and `copies` matter to the first alone.
    """
    sides = read_sides(setting, source)
    machine = machine_of(setting)
    folder = models.folder_of(setting.model)
    with contextlib.ExitStack() as closing:
        closing.enter_context(deterministic())
        stop = closing.enter_context(StopWish(heeded=group.first))
        prepared = ready(setting, folder, machine, sides, source, group)
        optimizer = optimizer_of(prepared.parameters, setting.optimization())
        capacity = prepared.capacity(setting, machine.device)
        course = Course(setting, sides.documents, capacity, group.size)
        text = retention.read(setting.retention, setting.model, folder)
        passages = text.passages if text else nothing()
        planned = measured(course, sides.validation, passages, head_of(folder))

        fresh = State(asked, identity.means_of(machine, group.size), setting.seed)
        state = resume.found(work, fresh, group, prepared.parameters, optimizer)
        recorder = spelling = None
        if group.first:
            watching = watchers(setting.report_to, work / "report", check.as_json(setting))
            curve = Curve(work / "curve.jsonl", state.sizes.get("curve.jsonl", 0), watching)
            recorder = Recorder(work, state.sizes, closing.enter_context(curve))
            closing.enter_context(recorder)
            closing.enter_context(copies)
            spelling = spelling_of(setting.model, folder, added_tokens(source))
        training = Training(
            setting, machine, prepared, optimizer, course, sides.validation, state, group, stop,
            work, recorder, copies, planned, spelling,
        )  # fmt: skip

        def completed() -> list[dict[str, str]]:
            given = (folder, sides.validation, setting, machine.precision, machine.device)
            return completions(prepared.model, *given) if group.first or group.even else []

        if state.done == 0:
            training.rehearse()
        if not state.based:
            training.take_base()
        if state.before is None:
            state.before = completed()
        progress(state.done, course.total)
        while True:
            if training.due and state.evaluated < state.done:
                training.look()
                training.stop_if_asked()
            training.notice()
            if state.done == course.total or state.stopped:
                break
            training.take_step()
            progress(state.done, course.total)
            if state.done < course.total:
                training.save_if_due()
            if group.size > 1:
                training.stop_if_asked()

        if state.stopped and state.evaluated < state.done:
            training.look()
        if training.takes_best and state.best_position is not None:
            best = checkpoint.at(work, state.best_position)
            checkpoint.restore_parameters(prepared.parameters, best)
        after = completed()
        weights = whole_state(prepared.model) if group.reduced else None
        if recorder is None:
            return None
        recorder.flush()
        lines = recorder.curve.lines()
        json_lines.write(out / "curve.jsonl", lines)
        given = Recorded(sides, planned, text, spelling, course.per_epoch, rules(setting))
        recorded.write(out, given, recorder, lines)
    return result.write(training, sides, folder, source, out, after, lines, weights)
