"""The stage that trains: parameters and their checks. The work is in `loop`."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from stages.base import End, Progress, Stage
from stages.errors import SeedbedError, UsageError
from stages.kinds import Kind
from stages.tokens.kind import TOKENS
from stages.train.kind import ADAPTER
from stages.train.model import Device, Method, Precision
from stages.train.plan import Schedule


@dataclass(frozen=True)
class Train(End):
    """Train an adapter (LoRA, QLoRA) or the whole model on a tokens corpus.

    model: base model: smollm2, which comes with the packages, or a folder with a model in
        safetensors. It must be the one that the corpus was tokenized for.
    method: lora trains small matrices beside the frozen model; qlora the same on a 4-bit model
        (needs bitsandbytes); full trains all weights. Hu et al. 2021; Dettmers et al. 2023.
    rank: rank of the LoRA matrices. 16, as in the runs on learning curves that we reproduce.
    alpha: LoRA's scale: updates are multiplied by alpha / rank.
    dropout: share of the adapter's inputs that is dropped while training. 0: on a CPU it costs a
        fifth of the speed (measured), and few epochs overfit little.
    targets: names of the linear layers that get an adapter, as in q_proj; all-linear: all but
        the output layer.
    epochs: passes over the training records.
    epoch_tokens: tokens of an epoch, at most: the records with the least hash of (seed, id)
        that fit are trained on. none: all records.
    batch: records of one optimizer step, at most; steps of an epoch are made equally large.
    batch_tokens: trained-on tokens of one optimizer step, about; used in place of batch when given.
    micro_tokens: tokens of one packed row, which is what memory is needed for; does not change
        the gradient. A longer record has a row of its own. none: 256 on a CPU, where longer rows
        are slower and larger (measured), 8192 on a GPU.
    lr: peak learning rate. 5e-4 for LoRA on a small model; a large one wants 1e-4 to 2e-4.
    schedule: constant, cosine or linear, after the warm-up. constant shows epoch steps that a
        falling rate hides.
    warmup: share of all steps in which the rate rises linearly to its peak.
    weight_decay: AdamW's decoupled decay. Loshchilov and Hutter 2019.
    clip: greatest norm of a step's gradient; 0: no limit.
    seed: seed of the order of records, the adapter's start and dropout.
    eval_every: optimizer steps between validations; none: six in the run. There is one at step
        0 and at the end of each epoch in any case.
    save_every: optimizer steps between checkpoints. A signal saves one, too.
    precision: fp32; bf16: matrix products in bfloat16; auto: bf16 where the processor has it.
    device: cpu, cuda, or auto: cuda when there is a GPU.
    max_length: tokens of a record that are used; the rest is cut off and counted. none: all that
        the corpus has of it, which tokenize's max_length bounds.
    threads: threads of torch; none: one a core. The bits of the result depend on it.
    samples: validation prompts that are completed before and after training.
    generate: tokens of such a completion, at most.
    """

    name: ClassVar[str] = "train"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "transformers", "peft", "numpy", "pyarrow")
    extra: ClassVar[str | None] = "train"
    exact: ClassVar[bool] = False
    kind: ClassVar[Kind] = ADAPTER
    consumes: ClassVar[Kind] = TOKENS
    reasons: ClassVar[Mapping[str, str]] = {}

    model: str = field(default="smollm2", metadata={"shared": True})
    method: Method = "lora"
    rank: int = field(default=16, metadata={"range": (1, 4096)})
    alpha: float = field(default=32.0, metadata={"range": (0, 65536)})
    dropout: float = field(default=0.0, metadata={"range": (0, 0.95)})
    targets: tuple[str, ...] = ("all-linear",)
    epochs: int = field(default=2, metadata={"range": (1, 100_000)})
    epoch_tokens: int | None = field(default=None, metadata={"range": (1, 1 << 40)})
    batch: int = field(default=8, metadata={"range": (1, 1 << 20)})
    batch_tokens: int | None = field(default=None, metadata={"range": (1, 1 << 30)})
    micro_tokens: int | None = field(default=None, metadata={"range": (1, 1 << 24)})
    lr: float = field(default=5e-4, metadata={"range": (0, 10)})
    schedule: Schedule = "constant"
    warmup: float = field(default=0.05, metadata={"range": (0, 1)})
    weight_decay: float = field(default=0.0, metadata={"range": (0, 10)})
    clip: float = field(default=1.0, metadata={"range": (0, 1e9)})
    seed: int = field(default=0, metadata={"range": (0, (1 << 63) - 1)})
    eval_every: int | None = field(default=None, metadata={"range": (1, 1 << 30)})
    save_every: int = field(default=50, metadata={"range": (1, 1 << 30)})
    precision: Precision = "auto"
    device: Device = "auto"
    max_length: int | None = field(default=None, metadata={"range": (2, 1 << 24)})
    threads: int | None = field(default=None, metadata={"range": (1, 4096)})
    samples: int = field(default=1, metadata={"range": (0, 1000)})
    generate: int = field(default=48, metadata={"range": (1, 4096)})

    def resources(self) -> tuple[Path, ...]:
        """The model's files: it enters the key by content, never by name."""
        folder = Path(self.model)
        if folder.is_dir():
            return tuple(sorted(p for p in folder.iterdir() if p.is_file()))
        from stages.tokens.model import resources

        return resources(self.model, weights=True)

    def contradictions(self) -> tuple[str, ...]:
        """What does not go together, before anything runs."""
        found = []
        if problem := self._problem():
            found.append(f"model: {problem}")
        if self.method == "qlora" and importlib.util.find_spec("bitsandbytes") is None:
            found.append(
                "method qlora needs bitsandbytes, which is not installed: "
                "pip install bitsandbytes, or use method lora"
            )
        if "all-linear" in self.targets and len(self.targets) > 1:
            found.append("targets: all-linear stands alone; leave out the other names")
        if not self.targets:
            found.append("targets is empty: name linear layers, or all-linear")
        return tuple(found)

    def conflicts(self, before: Sequence[Stage]) -> tuple[str, ...]:
        """A model whose tokenizer or chat template is not that of the tokens."""
        from stages.tokens.identity import difference, identity_of
        from stages.tokens.tokenize import Tokenize

        for step in reversed(before):
            if isinstance(step, Tokenize):
                if step.model == self.model:
                    return ()
                try:
                    made = identity_of(step.model)
                    found = difference(made, self.model, step.model, step.chat == "plain")
                except SeedbedError:  # a model that cannot be had is told elsewhere
                    return ()
                return () if found is None else (found,)
        return ()

    def _problem(self) -> str | None:
        """What is wrong with the model's files."""
        from stages.tokens.model import problem_with

        folder = Path(self.model)
        if not folder.is_dir():
            return problem_with(self.model)
        from stages.tokens.template_files import problem_in
        from stages.train.model import check_files

        try:
            check_files(folder)
        except UsageError as error:
            return str(error)
        return problem_in(folder)

    def run(self, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
        """Train; checkpoints in `work` make a killed run go on with the same bits."""
        from stages.train import loop

        return loop.run(self, source, out, work, progress)
