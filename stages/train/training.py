"""A training under way: its steps, validations and checkpoints, each a method."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.errors import Interrupted, Preempted, SeedbedError, StageFailed
from stages.require import require
from stages.train import checkpoint
from stages.train.copies import Copies
from stages.train.course import Course
from stages.train.curve import Curve
from stages.train.data import Documents
from stages.train.evaluate import evaluate
from stages.train.loss import row_losses, row_of
from stages.train.parallel import Group
from stages.train.plan import pack
from stages.train.scaling import Scaler
from stages.train.setup import Machine, Ready, seed_step
from stages.train.signals import StopWish
from stages.train.state import State
from stages.train.step import step
from stages.words import number, size

if TYPE_CHECKING:
    from stages.train.train import Train

IDS = 8  # records that are named when their step fails


@dataclass
class Training:
    """Everything that the loop works with. curve, work: None but in the first process."""

    setting: Train
    machine: Machine
    ready: Ready
    optimizer: Any
    course: Course
    validation: Documents
    state: State
    group: Group
    stop: StopWish
    work: Path
    curve: Curve | None
    copies: Copies
    saved: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.scaler = None
        if self.machine.precision == "fp16":
            scale = self.state.scale
            self.scaler = Scaler() if scale is None else Scaler(scale, self.state.held)

    def rehearse(self) -> None:
        """The longest row, forward and back, without a step: what does not fit shows now."""
        row = self.course.longest()
        with self._explained([row]):
            losses = row_losses(self.ready.model.train(), self._row(row), self.machine.precision)
            losses.mean().backward()
        self.optimizer.zero_grad(set_to_none=True)

    def take_step(self) -> None:
        """One optimizer step and its line of the curve."""
        state, chosen = self.state, self.course.step(self.state.done)
        begin = time.monotonic()
        with self._explained(chosen.rows):
            loss, norm = step(
                self.ready.model,
                self.optimizer,
                self._rows(chosen.rows, state.done),
                targets=chosen.targets,
                lr=chosen.lr,
                clip=self.setting.clip,
                precision=self.machine.precision,
                group=self.group,
                scaler=self.scaler,
                between=self.stop_if_asked if self.group.size == 1 else lambda: None,
            )
        if not (math.isfinite(loss) and math.isfinite(norm)):
            if self.scaler is None or not math.isfinite(loss) or self.scaler.exhausted:
                raise self._diverged(chosen.numbers, loss, norm)
            state.skipped += 1  # a gradient too large for fp16: the scale is halved, the step lost
        state.done += 1
        state.tokens += chosen.tokens
        state.trained += chosen.targets
        self._add(
            time.monotonic() - begin,
            step=state.done,
            epoch=round(state.done / self.course.per_epoch, 6),
            split="train",
            loss=loss,
            tokens=chosen.targets,
            lr=chosen.lr,
            grad_norm=norm if math.isfinite(norm) else None,
            records=len(chosen.numbers),
        )

    def validate(self) -> None:
        """The loss of each validation record, its line, and a checkpoint if it is the best."""
        state, machine, begin = self.state, self.machine, time.monotonic()
        capacity = self.ready.capacity(self.setting, machine.device)
        rows = pack(self.validation.lengths.tolist(), capacity)
        with self._explained(rows):
            losses = evaluate(
                self.ready.model,
                self.validation,
                rows,
                machine.precision,
                machine.device,
                group=self.group,
                between=self.stop_if_asked if self.group.size == 1 else lambda: None,
            )
        tokens = int(self.validation.targets.sum())
        loss = float(losses.sum()) / tokens
        state.evaluated = state.done
        best = state.better(loss)
        if not state.first:
            state.first = losses.tolist()
        if best or self.setting.result == "last" or not state.last:
            state.last = losses.tolist()
        self._add(
            time.monotonic() - begin,
            step=state.done,
            epoch=round(state.done / self.course.per_epoch, 6),
            split="val",
            loss=loss,
            tokens=tokens,
            lr=self.course.rate(max(state.done - 1, 0)),
            grad_norm=None,
            records=len(self.validation),
        )
        if best:
            self.save()

    def save_if_due(self) -> None:
        """A checkpoint by steps and by the clock."""
        waited = (time.monotonic() - self.saved) / 60
        if self.state.done % self.setting.save_every == 0 or waited >= self.setting.save_minutes:
            self.save()

    def save(self) -> None:
        """A checkpoint of where the training stands."""
        self.saved = time.monotonic()
        tensors = checkpoint.training_tensors(self.ready.parameters, self.optimizer)
        if self.curve is None:
            return
        state = self.state
        if self.scaler:
            state.scale, state.held = self.scaler.scale, self.scaler.held
        state.curve_bytes = self.curve.flush()
        beside = {self.curve.path.name: state.curve_bytes}
        folder = checkpoint.save(
            self.work, state.position, state.as_json(), tensors, beside, state.best_position
        )
        self.copies.put(folder, self.curve.path, state.curve_bytes)

    def stop_if_asked(self) -> None:
        """Leave with the state of the last whole step: a begun one is done again."""
        asked = self.group.told(self.stop.asked)
        if asked:
            self.save()
            stopped = Interrupted if asked == signal.SIGINT else Preempted
            raise stopped(
                f"training stopped by a signal after step {self.state.done} of "
                f"{self.course.total}; the same command goes on from there"
            )

    def _rows(self, rows: list[list[int]], step: int) -> Iterator[dict[str, Any]]:
        """The rows of this process, each with the randomness of its own."""
        weights = [int(self.course.documents.lengths[row].sum()) for row in rows]
        for at, counts in self.group.share(weights):
            seed_step(self.setting.seed, step, at)
            yield self._row(rows[at], counts)

    def _row(self, documents: list[int], counts: float = 1.0) -> dict[str, Any]:
        tokens = [self.course.documents.tokens(at) for at in documents]
        return row_of(tokens, self.machine.device, counts)

    def _add(self, seconds: float, **line: Any) -> None:
        if self.curve is not None:
            self.curve.add(seconds, **line)

    def _diverged(self, numbers: list[int], loss: float, norm: float) -> StageFailed:
        ids = self.course.documents.ids
        named = ", ".join(ids[at] for at in numbers[:IDS])
        more = f" and {len(numbers) - IDS} more" if len(numbers) > IDS else ""
        return StageFailed(
            f"training diverged: the loss of step {self.state.done + 1} is {loss} and its "
            f"gradient's norm {norm}; lower lr (it is {self.setting.lr:g}) or use precision fp32; "
            f"its records: {named}{more}"
        )

    @contextlib.contextmanager
    def _explained(self, rows: list[list[int]]) -> Iterator[None]:
        """A memory that is too small is told with what was asked of it and what would fit."""
        torch = require("torch", "train")
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if type(error) is RuntimeError and "can't allocate memory" not in str(error):
                raise
            tokens = max(int(self.course.documents.lengths[row].sum()) for row in rows)
            raise StageFailed(
                f"out of memory on {self.machine.device} in step {self.state.done + 1}, whose "
                f"longest row has {number(tokens)} tokens ({str(error).splitlines()[0][:160]}); "
                + self._remedies(tokens)
            ) from None

    def _remedies(self, tokens: int) -> str:
        found = []
        longest = int(self.course.documents.lengths.max())
        if tokens > longest:
            found.append(f"micro_tokens: {max(longest, tokens // 2)}")
        else:
            found.append(f"max_length below {longest}")
        if self.setting.checkpoint_layers != 1:
            found.append("checkpoint_layers: 1")
        if self.setting.method != "qlora":
            found.append("method: qlora" if self.setting.method == "lora" else "method: lora")
        return f"{self._told(tokens)}what needs less: " + ", ".join(found)

    def _told(self, tokens: int) -> str:
        """What the estimate says of a row, beside which the device's memory can be held."""
        from stages.train import estimate
        from stages.train.forecast import setup_of
        from stages.train.model import folder_of
        from stages.train.shape import shape_of

        try:
            shape = shape_of(folder_of(self.setting.model))
        except SeedbedError:  # a shape that is not known by formula, or of a tokenizer alone
            return ""
        half = self.machine.precision != "fp32"
        setup = replace(setup_of(self.setting), row=tokens, half=half)
        total = estimate.memory(shape, setup).total
        return f"{size(total)} were reckoned for such a row; "
