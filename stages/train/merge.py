"""The stage that makes a whole model of an adapter and its base, for programs that know no peft."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from stages.base import End, Progress
from stages.curves.kind import ADAPTER
from stages.errors import UsageError
from stages.kinds import Kind
from stages.require import require
from stages.train.kind import MODEL

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
SHARD = 4096  # MB; what hubs and file systems carry without ado


@dataclass(frozen=True)
class Merge(End):
    """Merge an adapter into its base model: a folder in safetensors that needs no peft.

    Reckoned in fp32 (four bytes a parameter) and held against base and adapter on a row of tokens
    before it is written. Tokenizer, chat template and card come along.

    model: the adapter's base: a folder, a hub's owner/name, or smollm2; none: what the adapter
        says of it. Beside a 4-bit base (qlora) it is the model in full precision.
    dtype: number format of what is written: fp32, bf16, fp16, or base: that of the base's files.
    shard: megabytes of one weights file, at most. 4096.
    gguf: also write model.gguf, for llama.cpp and its kin: models of Llama's shape alone, in the
        same number format, read back and compared.
    """

    name: ClassVar[str] = "merge"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "transformers", "peft")
    extra: ClassVar[str | None] = "train"
    exact: ClassVar[bool] = False
    kind: ClassVar[Kind] = MODEL
    consumes: ClassVar[Kind] = ADAPTER
    reasons: ClassVar[Mapping[str, str]] = {}

    model: str | None = field(default=None, metadata={"shared": True})
    dtype: Literal["base", "fp32", "bf16", "fp16"] = "base"
    shard: int = field(default=SHARD, metadata={"range": (1, 1 << 20)})
    gguf: bool = False

    def resources(self) -> tuple[Path, ...]:
        """The base's files, where it is named; else the adapter knows it by its fingerprint."""
        if self.model is None:
            return ()
        from stages.tokens.model import resources

        return resources(self.model, weights=True)

    def contradictions(self) -> tuple[str, ...]:
        """A base model that cannot be had."""
        if self.model is None:
            return ()
        from stages.tokens.model import problem_with

        problem = problem_with(self.model)
        return () if problem is None else (f"model: {problem}",)

    def run(self, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
        """Load, merge, compare, write."""
        from stages.train import bases, gguf_file, merge_card, trained
        from stages.train import model as models

        adapter = bases.adapter_in(source)
        if bases.is_whole(adapter):
            raise UsageError(f"{source} is a whole model already: there is nothing to merge")
        base = bases.find(adapter, self.model)
        if self.gguf:
            gguf_file.check(base.folder)
        progress(0, 3)
        torch = require("torch", "train")
        loaded = models.load_base(base.folder, "full", "fp32", "cpu")
        with_it = trained.with_adapter(loaded, adapter, base.said)
        model, difference = trained.merged(with_it)
        progress(1, 3)
        dtype = self._dtype(base.folder)
        model = model.to(getattr(torch, DTYPES[dtype]))
        model.config.use_cache = True
        model.config.name_or_path = ""
        with trained.quiet():
            model.save_pretrained(out, max_shard_size=f"{self.shard}MB")
        _copy_tokenizer(adapter, base.folder, out)
        progress(2, 3)
        written = gguf_file.write(out, out / "model.gguf") if self.gguf else 0
        name = bases.write(base.said, base.folder, out)
        summary = {
            "base": name.public,
            "base_is_the_trained_one": base.same,
            "method": trained.method_of(adapter),
            "dtype": dtype,
            "parameters": sum(value.numel() for value in model.parameters()),
            "largest_difference": float(f"{difference:.1e}"),
            "gguf_tensors": written,
        }
        chat = (out / "chat_template.jinja").is_file()
        (out / "README.md").write_text(merge_card.text(summary, adapter, name, chat), "utf-8")
        progress(3, 3)
        return summary

    def _dtype(self, base: Path) -> str:
        """The format to write: what is asked for, or that of most numbers of the base's files."""
        if self.dtype != "base":
            return self.dtype
        from stages.train.weights import tensors_of

        counts = dict.fromkeys(DTYPES, 0)
        for tensor in tensors_of(base).values():
            for short, kind in (("fp32", "F32"), ("bf16", "BF16"), ("fp16", "F16")):
                counts[short] += tensor.count if tensor.kind == kind else 0
        return max(counts, key=lambda short: counts[short]) if any(counts.values()) else "bf16"


def _copy_tokenizer(adapter: Path, base: Path, out: Path) -> None:
    """The tokenizer's files: the adapter's, else the base's."""
    from stages.tokens.model import files_in

    files = files_in(adapter) if (adapter / "tokenizer.json").is_file() else files_in(base)
    for path in files:
        shutil.copyfile(path, out / path.name)
    template = adapter / "chat_template.jinja"
    if template.is_file():
        shutil.copyfile(template, out / template.name)
