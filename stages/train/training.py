"""A training under way: its steps, validations and checkpoints, each a method."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.errors import Interrupted, Preempted, SeedbedError, StageFailed
from stages.require import require
from stages.tokens.packing import pack
from stages.train import checkpoint, live
from stages.train.copies import Copies
from stages.train.course import Course
from stages.train.data import Documents
from stages.train.evaluate import evaluate, of_targets
from stages.train.loss import FIGURES, row_losses, row_of
from stages.train.measure import Measured
from stages.train.parallel import Group
from stages.train.recorder import BASE, Recorder
from stages.train.scaling import Scaler
from stages.train.setup import Machine, Ready, seed_step
from stages.train.signals import StopWish
from stages.train.spelling import Spelling
from stages.train.state import State
from stages.train.step import Seen, step
from stages.words import number, size

if TYPE_CHECKING:
    from stages.train.train import Train

Array = np.ndarray[Any, Any]
IDS = 8  # records that are named when their step fails


@dataclass
class Training:
    """Everything that the loop works with. recorder: None but in the first process, as spelling is,
    where the tokens can be spelled at all."""

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
    recorder: Recorder | None
    copies: Copies
    measured: Measured
    spelling: Spelling | None
    saved: float = field(default_factory=time.monotonic)
    base: Array = field(default_factory=lambda: np.zeros(0, dtype=BASE))
    _bytes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.probe = {
            "probe_train": self.course.documents.only(self.measured.probe_train),
            "probe_val": self.validation.only(self.measured.probe_val),
        }
        if self.state.based and self.recorder is not None:
            self.base = self.recorder.rows("base.bin")
        self.scaler = None
        if self.machine.precision == "fp16":
            scale = self.state.scale
            self.scaler = Scaler() if scale is None else Scaler(scale, self.state.held)

    def rehearse(self) -> None:
        """The longest row, forward and back, without a step: what does not fit shows now."""
        row = self.course.longest()
        with self._explained(self.course.documents, [row]):
            losses = row_losses(self.ready.model.train(), self._row(row), self.machine.precision)
            losses.mean().backward()
        self.optimizer.zero_grad(set_to_none=True)

    def take_base(self) -> None:
        """The loss of training records before the first step: what makes a batch hard, apart from
        what training changes."""
        documents = self.course.documents
        if self.measured.base:
            chosen = documents.only(self.measured.base)
            sums = self._evaluated(chosen, evaluate)
            self.base = np.full(len(documents), np.nan, dtype=BASE)
            self.base[self.measured.base] = sums[0] / chosen.targets
            if self.recorder is not None:
                self.recorder.base(self.base)
        self.state.based = True

    def take_step(self) -> None:
        """One optimizer step and its line of the curve."""
        state, chosen = self.state, self.course.step(self.state.done)
        begin = time.monotonic()
        shares = self._share(chosen.rows)
        seen = Seen(self.course.documents.targets, chosen.rows, shares)
        with self._explained(self.course.documents, chosen.rows):
            loss, norm = step(
                self.ready.model,
                self.optimizer,
                self._rows(chosen.rows, shares, state.done),
                targets=chosen.targets,
                lr=chosen.lr,
                clip=self.setting.clip,
                precision=self.machine.precision,
                group=self.group,
                scaler=self.scaler,
                between=self.stop_if_asked if self.group.size == 1 else lambda: None,
                heard=seen.hear,
            )
        if not (math.isfinite(loss) and math.isfinite(norm)):
            if self.scaler is None or not math.isfinite(loss) or self.scaler.exhausted:
                self._end(chosen.numbers, loss, norm)
                return
            state.skipped += 1  # a gradient too large for fp16: the scale is halved, the step lost
        numbers, losses = seen.together(self.group)
        state.done += 1
        state.tokens += chosen.tokens
        state.trained += chosen.targets
        if self.recorder is None:
            return
        self.recorder.visits(state.done, numbers, losses)
        excess, paired = self._excess(numbers, losses)
        self._add(
            time.monotonic() - begin,
            "train",
            loss=loss,
            tokens=chosen.targets,
            records=len(chosen.numbers),
            lr=chosen.lr,
            grad_norm=norm if math.isfinite(norm) else None,
            excess=excess,
            paired=paired,
        )

    def _excess(self, numbers: Array, losses: Array) -> tuple[float | None, int]:
        """(mean loss over that of the base model, over how many targets) of a step's records."""
        base = self.base[numbers].astype(float) if len(self.base) else np.full(len(numbers), np.nan)
        known = np.isfinite(base)
        weights = self.course.documents.targets[numbers][known]
        count = int(weights.sum())
        if not count:
            return None, 0
        return float(((losses - base)[known] * weights).sum()) / count, count

    @property
    def due(self) -> bool:
        """Whether anything is measured after so many steps."""
        done, course = self.state.done, self.course
        return course.evaluates(done) or (self.measured.probes and course.probes(done))

    @property
    def takes_best(self) -> bool:
        """Whether the weights of the best validation are the result."""
        stopped = self.state.stopped
        return self.setting.result == "best" or bool(
            stopped and stopped["kind"] in ("overfit", "divergence")
        )

    def look(self) -> None:
        """All that is due after so many steps, written down at once: a stop in between leaves
        none of it. A checkpoint where validation is the best."""
        state, course, measured = self.state, self.course, self.measured
        sides: dict[str, tuple[Documents, Callable[..., Array]]] = {}
        if course.evaluates(state.done) or state.stopped:
            sides["val"] = self.validation, evaluate
        if measured.probes and (course.probes(state.done) or state.stopped):
            for split, documents in self.probe.items():
                sides[split] = documents, of_targets
        if course.evaluates(state.done) or state.stopped:
            sides["retention"] = measured.retention, evaluate
        found: dict[str, tuple[Array, float]] = {}
        for split, (documents, how) in sides.items():
            begin = time.monotonic()
            if len(documents):
                figures = self._evaluated(documents, how)
                found[split] = figures, time.monotonic() - begin
        state.evaluated = state.done
        best = "val" in found and state.better(self._mean("val", found["val"][0])[0])
        if self.recorder is not None:
            self._write(found)
        if best:
            self.save()

    def _write(self, found: Mapping[str, tuple[Array, float]]) -> None:
        assert self.recorder is not None
        done = self.state.done
        if "val" in found:
            means = found["val"][0] / self.validation.targets
            self.recorder.evaluation(done, len(self.course.documents), means)
        probed = [found[split][0][0] for split in self.probe if split in found]
        if probed:
            self.recorder.point(np.concatenate(probed))
        for split, (figures, seconds) in found.items():
            mean = self._mean(split, figures)
            documents = self._documents(split)
            self._add(
                seconds,
                split,
                **dict(zip(FIGURES, mean, strict=True)),
                tokens=int(documents.targets.sum()),
                records=len(documents),
                bits_per_byte=self._bits(split, mean[0]),
                lr=self.course.rate(max(done - 1, 0)) if split == "val" else None,
                grad_norm=None,
            )

    def _documents(self, split: str) -> Documents:
        sides = {"val": self.validation, "retention": self.measured.retention, **self.probe}
        return sides[split]

    def _mean(self, split: str, figures: Array) -> list[float]:
        """The figures over all targets of a side."""
        made: list[float] = (figures.sum(axis=1) / self._documents(split).targets.sum()).tolist()
        return made

    def _bits(self, split: str, loss: float) -> float | None:
        """Bits of each byte of the targets' text: comparable between tokenizers."""
        if self.spelling is None:
            return None
        documents = self._documents(split)
        if split not in self._bytes:
            self._bytes[split] = int(self.spelling.sizes(documents).sum())
        size = self._bytes[split]
        return loss * int(documents.targets.sum()) / math.log(2) / size if size else None

    def _evaluated(self, documents: Documents, how: Callable[..., Array]) -> Array:
        rows = pack(documents.lengths, self.ready.capacity(self.setting, self.machine.device))
        with self._explained(documents, rows):
            return how(
                self.ready.model,
                documents,
                rows,
                self.machine.precision,
                self.machine.device,
                group=self.group,
                between=self.stop_if_asked if self.group.size == 1 else lambda: None,
            )

    def notice(self) -> None:
        """Findings on the curve so far, told once they are certain; one may end the run."""
        state = self.state
        if state.noticed == state.done or not live.due(self.course, state.done):
            return
        state.noticed = state.done
        ended = None
        if self.recorder is not None:
            curve = self.recorder.curve
            for finding in live.look(curve.path, state):
                kind = finding["kind"].replace("_", " ")
                words = finding["words"]
                live.tell(f"step {state.done}: {kind}: {words}")
                curve.alert(state.done, kind, words)
                if finding["kind"] in self.setting.stop_on and ended is None:
                    ended = {"kind": finding["kind"], "step": state.done, "words": words}
        state.stopped = self.group.told(ended)

    def save_if_due(self) -> None:
        """A checkpoint by steps and by the clock."""
        waited = (time.monotonic() - self.saved) / 60
        if self.state.done % self.setting.save_every == 0 or waited >= self.setting.save_minutes:
            self.save()

    def save(self) -> None:
        """A checkpoint of where the training stands."""
        self.saved = time.monotonic()
        tensors = checkpoint.training_tensors(self.ready.parameters, self.optimizer)
        if self.recorder is None:
            return
        state = self.state
        if self.scaler:
            state.scale, state.held = self.scaler.scale, self.scaler.held
        state.sizes = self.recorder.flush()
        folder = checkpoint.save(
            self.work, state.position, state.as_json(), tensors, state.sizes, state.best_position
        )
        self.copies.put(folder, state.sizes)

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

    def _share(self, rows: list[list[int]]) -> list[tuple[int, float]]:
        """Which rows are this process's, and what each counts."""
        return self.group.share([int(self.course.documents.lengths[row].sum()) for row in rows])

    def _rows(
        self, rows: list[list[int]], shares: list[tuple[int, float]], step: int
    ) -> Iterator[dict[str, Any]]:
        """The rows of this process, each with the randomness of its own."""
        for at, counts in shares:
            seed_step(self.setting.seed, step, at)
            yield self._row(rows[at], counts)

    def _row(self, documents: list[int], counts: float = 1.0) -> dict[str, Any]:
        tokens = [self.course.documents.tokens(at) for at in documents]
        return row_of(tokens, self.machine.device, counts)

    def _add(self, seconds: float, split: str, **figures: Any) -> None:
        """A line of the curve, with where the training stands."""
        if self.recorder is None:
            return
        state = self.state
        self.recorder.curve.add(
            seconds,
            step=state.done,
            epoch=round(state.done / self.course.per_epoch, 6),
            seen=state.tokens,
            trained=state.trained,
            split=split,
            **figures,
        )

    def _end(self, numbers: list[int], loss: float, norm: float) -> None:
        """A loss that is no number ends the run: as a failure, or with the best weights so far."""
        failed = self._diverged(numbers, loss, norm)
        if "divergence" not in self.setting.stop_on or self.state.best is None:
            raise failed
        words = {"kind": "divergence", "step": self.state.done, "words": str(failed)}
        self.state.stopped = words
        self.state.evaluated = self.state.done  # of such weights nothing can be measured
        if self.recorder is not None:
            live.tell(str(failed))
            self.recorder.curve.alert(self.state.done, "divergence", str(failed))

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
    def _explained(self, documents: Documents, rows: list[list[int]]) -> Iterator[None]:
        """A memory that is too small is told with what was asked of it and what would fit."""
        torch = require("torch", "train")
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if type(error) is RuntimeError and "can't allocate memory" not in str(error):
                raise
            tokens = max(int(documents.lengths[row].sum()) for row in rows)
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
