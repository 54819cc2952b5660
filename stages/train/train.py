"""The stage that trains: parameters and their checks. The work is in `loop`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

from stages.base import End, Needs, Progress, Stage
from stages.curves.kind import ADAPTER
from stages.errors import SeedbedError, UsageError
from stages.kinds import Kind
from stages.tokens.kind import TOKENS
from stages.train import adapter as adapters
from stages.train import optimizer as optimizers
from stages.train import retention
from stages.train.curve import Watcher
from stages.train.live import Stop
from stages.train.model import Attention, Device, Method, Precision, Quantization
from stages.train.other_names import OTHER_NAMES
from stages.train.schedule import Schedule

BATCHES = ("batch", "per_device_batch", "batch_tokens")
OF_ADAPTERS = (
    "targets", "bias", "modules_to_save", "layers", "layers_pattern", "rslora", "dora", "loraplus",
    "init",
)  # fmt: skip


@dataclass(frozen=True)
class Train(End):
    """Train an adapter (LoRA, QLoRA) or the whole model on a tokens corpus.

    model: base model: smollm2, which comes with the packages, or a folder with a model in
        safetensors. It must be the one that the corpus was tokenized for.
    method: lora trains small matrices beside the frozen model; qlora the same on a quantized model
        (needs bitsandbytes); full trains all weights. Hu et al. 2021; Dettmers et al. 2023.
    bits: of a frozen weight with qlora: 4, 8, or 16 for none less than lora has.
    quant_type: the four-bit numbers of qlora: nf4, made for weights, or fp4.
    double_quant: yes: the scales of four-bit weights are quantized as well, .4 bits a weight less.
    max_memory: GiB of each GPU that the weights may take; the layers are spread over the GPUs.
        none: all on one.
    rank: rank of the LoRA matrices (r). 16, as in the runs on learning curves that we reproduce.
    alpha: LoRA's scale: updates are multiplied by alpha / rank.
    dropout: share of the adapter's inputs that is dropped while training. 0: on a CPU it costs a
        fifth of the speed (measured), and few epochs overfit little.
    targets: names of the layers that get an adapter, as in q_proj; all-linear: all linear ones but
        the output layer, to which embed_tokens, lm_head or experts' tensors may be added.
    bias: biases that are trained as well: none, all, or lora_only: those of the targets.
    modules_to_save: modules that are trained in full beside the adapter and saved with it.
    layers: numbers of the layers that get an adapter (layers_to_transform). empty: all.
    layers_pattern: name of the list of layers, where it is none that peft knows.
    rslora: yes: the scale is alpha / sqrt(rank). Kalajdzievski 2023.
    dora: yes: direction and size of each weight are trained apart. Liu et al. 2024.
    loraplus: the rate of the matrices B is so many times that of A; 16 in the paper. none: 1.
        Hayou et al. 2024.
    init: how an adapter begins: kaiming (A at random, B 0), gaussian, orthogonal, olora, pissa, or
        pissa_niter_N, which is faster. What takes a part of the base weights along (olora, pissa)
        is written as an adapter of twice the rank, for the plain base model.
    epochs: passes over the training records.
    max_steps: optimizer steps, at most. none: as many as the epochs have.
    epoch_tokens: tokens of an epoch, at most: the records with the least hash of (seed, id)
        that fit are trained on. none: all records.
    batch: records of one optimizer step, at most; steps of an epoch are made equally large.
        none: 8.
    per_device_batch: records of a process and micro-batch, in place of batch: a step has this
        times accumulation times the processes.
    accumulation: micro-batches of a step and process: its records are cut into as many packed rows.
        none: as many as micro_tokens asks for.
    batch_tokens: trained-on tokens of one optimizer step, about; used in place of batch when given.
    micro_tokens: tokens of one packed row, which is what memory is needed for; does not change
        the gradient. A longer record has a row of its own. none: 256 on a CPU, where longer rows
        are slower and larger (measured), 8192 on a GPU.
    checkpoint_layers: activation checkpointing: 1: every layer's activations are made again in the
        backward pass, k: every k-th layer's, 0: none. Chen et al. 2016.
    attention: how documents of a row are kept apart: documents: attention within each; positions:
        by a mask that transformers makes; alone: a row each; auto: the first of these that holds
        for this model, which is tried before training.
    lr: peak learning rate. 5e-4 for LoRA on a small model; a large one wants 1e-4 to 2e-4.
    schedule: constant, cosine or linear, after the warm-up; cosine_by_epoch: half of each epoch
        rises, half falls. constant shows epoch steps that a falling rate hides.
    warmup: share of all steps in which the rate rises linearly to its peak.
    warmup_steps: the same as a number of steps; used in place of warmup when given.
    optimizer: adamw_torch, adamw_torch_fused, sgd; adamw_8bit, paged_adamw_8bit and
        paged_adamw_32bit need bitsandbytes.
    beta1: AdamW's decay of the mean of gradients.
    beta2: AdamW's decay of the mean of their squares.
    epsilon: what AdamW adds to the root of those.
    weight_decay: AdamW's decoupled decay. Loshchilov and Hutter 2019.
    clip: greatest norm of a step's gradient (max_grad_norm); 0: no limit.
    seed: seed of the order of records, the adapter's start and dropout; -1: drawn, and recorded.
    validate: no: without validation, so nothing tells learning from memorising.
    eval_every: optimizer steps between validations; none: six in the run. There is one at step
        0 and at the end of each epoch in any case.
    eval_limit: validation records that are used, chosen by seed. none: all.
    measure: share of training's work that measuring may take beside validation, a third each for
        the probe, base losses and retention (docs/architecture.md says what is recorded). 0: none.
    probe_tokens: tokens of the probe, the records whose losses are kept token by token, half of
        them validation's. none: as many as `measure` allows, at most 100,000. 0: no probe.
    base_losses: whose loss is taken before the first step, so that what is hard in a batch can be
        told from what is memorised: some training records, as many as `measure` allows, all, none.
    retention: text on which the model is looked at beside validation, since fine-tuning worsens it
        elsewhere: general, which is built in (5 kB), a text file (UTF-8), or none.
    retention_tokens: tokens of it. none: as many as `measure` allows.
    stop_on: findings on the curve that end the run once they are certain: divergence, overfit,
        plateau. The first two then write the best validation's weights. All are told meanwhile.
    save_every: optimizer steps between checkpoints. A signal saves one, too.
    save_minutes: minutes between checkpoints. The last two are kept, and the best validation's.
    copy_to: folder or bucket (any address of fsspec) to which checkpoints are copied meanwhile,
        and from which a machine without one goes on.
    result: what is written at the end: the weights after the last step, or of the best validation.
    report_to: tensorboard, wandb or trackio, told of every step. The curve is always written.
    precision: fp32; bf16, fp16: matrix products in half precision; auto: bf16 where the processor
        has it.
    device: cpu, cuda, or auto: cuda when there is a GPU.
    processes: that train together, each on a part of every step. none: one a GPU.
    shard: yes: each process holds a part of the weights (FSDP2), for a model that does not fit one
        GPU. Not with quantized weights.
    max_length: tokens of a record that are used; the rest is cut off and counted. none: all that
        the corpus has of it, which tokenize's max_length bounds.
    threads: threads of torch; none: one a core. The bits of the result depend on it.
    samples: validation prompts that are completed before and after training.
    generate: tokens of such a completion, at most.
    """

    name: ClassVar[str] = "train"
    libraries: ClassVar[tuple[str, ...]] = (
        "torch",
        "transformers",
        "peft",
        "tokenizers",
        "jinja2",
        "numpy",
        "pyarrow",
    )
    extra: ClassVar[str | None] = "train"
    exact: ClassVar[bool] = False
    kind: ClassVar[Kind] = ADAPTER
    consumes: ClassVar[Kind] = TOKENS
    reasons: ClassVar[Mapping[str, str]] = {}
    other_names: ClassVar[Mapping[str, str]] = OTHER_NAMES
    means: ClassVar[frozenset[str]] = frozenset(
        {
            "micro_tokens", "checkpoint_layers", "max_memory", "shard", "processes", "threads",
            "device", "save_every", "save_minutes", "copy_to", "report_to",
        }
    )  # fmt: skip

    model: str = field(default="smollm2", metadata={"shared": True})
    method: Method = "lora"
    bits: int = field(default=4, metadata={"range": (4, 16)})
    quant_type: Literal["nf4", "fp4"] = "nf4"
    double_quant: bool = True
    max_memory: int | None = field(default=None, metadata={"range": (1, 1 << 20)})
    rank: int = field(default=16, metadata={"range": (1, 4096)})
    alpha: float = field(default=32.0, metadata={"range": (0, 65536)})
    dropout: float = field(default=0.0, metadata={"range": (0, 0.95)})
    targets: tuple[str, ...] = (adapters.ALL,)
    bias: adapters.Bias = "none"
    modules_to_save: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()
    layers_pattern: str | None = None
    rslora: bool = False
    dora: bool = False
    loraplus: float | None = field(default=None, metadata={"range": (1, 1024)})
    init: adapters.Init = "kaiming"
    epochs: int = field(default=2, metadata={"range": (1, 100_000)})
    max_steps: int | None = field(default=None, metadata={"range": (1, 1 << 40)})
    epoch_tokens: int | None = field(default=None, metadata={"range": (1, 1 << 40)})
    batch: int | None = field(default=None, metadata={"range": (1, 1 << 20)})
    per_device_batch: int | None = field(default=None, metadata={"range": (1, 1 << 20)})
    accumulation: int | None = field(default=None, metadata={"range": (1, 1 << 20)})
    batch_tokens: int | None = field(default=None, metadata={"range": (1, 1 << 30)})
    micro_tokens: int | None = field(default=None, metadata={"range": (1, 1 << 24)})
    checkpoint_layers: int = field(default=0, metadata={"range": (0, 4096)})
    attention: Attention = "auto"
    lr: float = field(default=5e-4, metadata={"range": (0, 10)})
    schedule: Schedule = "constant"
    warmup: float = field(default=0.05, metadata={"range": (0, 1)})
    warmup_steps: int | None = field(default=None, metadata={"range": (0, 1 << 40)})
    optimizer: optimizers.Name = "adamw_torch"
    beta1: float = field(default=0.9, metadata={"range": (0, 1)})
    beta2: float = field(default=0.999, metadata={"range": (0, 1)})
    epsilon: float = field(default=1e-8, metadata={"range": (0, 1)})
    weight_decay: float = field(default=0.0, metadata={"range": (0, 10)})
    clip: float = field(default=1.0, metadata={"range": (0, 1e9)})
    seed: int = field(default=0, metadata={"range": (-1, (1 << 63) - 1)})
    validate: bool = True
    eval_every: int | None = field(default=None, metadata={"range": (1, 1 << 30)})
    eval_limit: int | None = field(default=None, metadata={"range": (1, 1 << 40)})
    measure: float = field(default=0.03, metadata={"range": (0, 1)})
    probe_tokens: int | None = field(default=None, metadata={"range": (0, 1 << 24)})
    base_losses: Literal["some", "all", "none"] = "some"
    retention: str = retention.GENERAL
    retention_tokens: int | None = field(default=None, metadata={"range": (1, 1 << 24)})
    stop_on: tuple[Stop, ...] = ()
    save_every: int = field(default=50, metadata={"range": (1, 1 << 30)})
    save_minutes: float = field(default=10.0, metadata={"range": (0, 1e6)})
    copy_to: str | None = None
    result: Literal["last", "best"] = "last"
    report_to: tuple[Watcher, ...] = ()
    precision: Precision = "auto"
    device: Device = "auto"
    processes: int | None = field(default=None, metadata={"range": (1, 1024)})
    shard: bool = False
    max_length: int | None = field(default=None, metadata={"range": (2, 1 << 24)})
    threads: int | None = field(default=None, metadata={"range": (1, 4096)})
    samples: int = field(default=1, metadata={"range": (0, 1000)})
    generate: int = field(default=48, metadata={"range": (1, 4096)})

    def quantization(self) -> Quantization:
        """How the frozen weights are held."""
        return Quantization(self.bits, self.quant_type, self.double_quant, self.max_memory)

    def adapter(self) -> adapters.Settings:
        """The adapter that is trained."""
        return adapters.Settings(
            self.rank, self.alpha, self.dropout, self.targets, self.bias, self.modules_to_save,
            self.layers, self.layers_pattern, self.rslora, self.dora, self.init,
        )  # fmt: skip

    def optimization(self) -> optimizers.Settings:
        """The optimizer and its groups."""
        betas = self.beta1, self.beta2
        return optimizers.Settings(
            self.optimizer, self.weight_decay, betas, self.epsilon, self.loraplus
        )

    def resources(self) -> tuple[Path, ...]:
        """The model's files: it enters the key by content, never by name."""
        folder, texts = Path(self.model), retention.files_of(self.retention)
        if folder.is_dir():
            return (*sorted(p for p in folder.iterdir() if p.is_file()), *texts)
        from stages.tokens.model import resources

        return (*resources(self.model, weights=True), *texts)

    def needs(self) -> Needs:
        """The side of each record."""
        return (("split",),)

    def contradictions(self) -> tuple[str, ...]:
        """What does not go together, before anything runs."""
        found = []
        if problem := self._problem():
            found.append(f"model: {problem}")
        found += [
            f"{name} needs {library}, which is not installed: pip install {library}"
            for name, library in self._wanted()
            if importlib.util.find_spec(library) is None
        ]
        if not self.targets:
            found.append("targets is empty: name linear layers, or all-linear")
        given = [name for name in BATCHES if getattr(self, name) is not None]
        if len(given) > 1:
            found.append(f"{' and '.join(given)} say the same thing: leave out all but one")
        if self.method == "full":
            found += [f"{name} is for an adapter, and method full has none" for name in self._own()]
        if self.dora and self.init in adapters.TAKING:
            found.append(f"dora does not go with init {self.init}")
        if self.shard and self.method == "qlora" and self.bits < 16:
            found.append("shard does not go with quantized weights: use method lora")
        if self.result == "best" and not self.validate:
            found.append("result best needs validation: leave out validate: no")
        if self.bits not in (4, 8, 16):
            found.append(f"bits is {self.bits}: weights are quantized to 4 or 8 bits, or not (16)")
        if problem := retention.problem_with(self.retention):
            found.append(f"retention: {problem}")
        if "overfit" in self.stop_on and not self.validate:
            found.append("stop_on overfit needs validation: leave out validate: no")
        if (width := self._width()) and self.method != "full" and self.rank > width:
            found.append(f"rank {self.rank} is above the model's hidden size of {width}")
        return tuple(found)

    def _wanted(self) -> list[tuple[str, str]]:
        """(setting, package that it needs)."""
        wanted = [("method qlora", "bitsandbytes")] if self.method == "qlora" else []
        if self.optimizer in optimizers.OF_BITSANDBYTES:
            wanted.append((f"optimizer {self.optimizer}", "bitsandbytes"))
        return wanted + [(f"report_to {name}", name) for name in self.report_to]

    def _own(self) -> list[str]:
        """Settings of an adapter that differ from their defaults."""
        plain = {one.name: one.default for one in fields(self)}
        return [name for name in OF_ADAPTERS if getattr(self, name) != plain[name]]

    def _width(self) -> int | None:
        """The model's hidden size, where its configuration names it."""
        path = Path(self.model) / "config.json"
        if not path.is_file():
            return None
        try:
            width = json.loads(path.read_bytes()).get("hidden_size")
        except (ValueError, RecursionError, AttributeError):  # told by _problem
            return None
        return width if isinstance(width, int) else None

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
        from stages.tokens.chat import problem_in
        from stages.train.model import check_files

        try:
            check_files(folder)
        except UsageError as error:
            return str(error)
        return problem_in(folder)

    def left_behind(self, source: Path, work: Path) -> str | None:
        """A training of other settings or data, or by other code, that is not done."""
        from stages.train import identity, resume

        return resume.left_behind(work, identity.asked_of(self, source), same=False)

    def forecast(self, made: Path | None, raw: int) -> list[str]:
        """Steps, tokens, memory by part, hours and money."""
        from stages.train import forecast

        return forecast.lines(self, made, raw)

    def run(self, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
        """Train; checkpoints in `work` make a killed run go on with the same bits."""
        from stages.train import loop

        return loop.run(self, source, out, work, progress)
