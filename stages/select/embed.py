"""A vector for each text. Nothing is judged here: `select` uses the vectors and drops them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.base import Map
from stages.errors import UsageError
from stages.select import encoders
from stages.select.encoders import Floats
from stages.verdicts import Verdicts


@dataclass(frozen=True)
class Embed(Map):
    """Adds the column `vector`: a unit vector of the text, in half precision.

    on: the text that is embedded: all of a record, its input or its output.
    model: wordllama (256 numbers, static, English, tens of thousands of short texts a second on
        one core), minilm (384 numbers, a transformer, English, about three hundred times slower and
        better at fine topics), a folder with a model in safetensors, or the name of a model on
        the Hugging Face hub, which is fetched. benchmarks/NOTES.md has the figures.
    tokens: how many tokens of a text a transformer reads, at most; wordllama reads all. 256 is
        what minilm was trained with.

    A text without a token has no direction: like a record without the view it passes with null.
    """

    name: ClassVar[str] = "embed"
    libraries: ClassVar[tuple[str, ...]] = (
        "numpy",
        "pyarrow",
        "tokenizers",
        "torch",
        "transformers",
    )
    extra: ClassVar[str | None] = "cluster"
    exact: ClassVar[bool] = False

    on: Literal["all", "input", "output"] = "all"
    model: str = "wordllama"
    tokens: int = field(default=256, metadata={"range": (8, 32768)})

    def makes(self) -> Mapping[str, pa.DataType]:
        return {"vector": pa.list_(pa.float16(), encoders.width(self.model))}

    def resources(self) -> tuple[Path, ...]:
        return encoders.files(self.model)

    def contradictions(self) -> tuple[str, ...]:
        try:
            encoders.files(self.model)
        except UsageError as error:
            return (str(error),)
        return ()

    def judge(self, verdicts: Verdicts) -> None:
        texts = verdicts.texts(self.on)
        rows = [row for row, text in enumerate(texts) if text is not None]
        encode = encoders.encoder(self.model, self.tokens)
        found = unit(encode([texts[row] or "" for row in rows]))
        vectors = np.zeros((len(texts), encoders.width(self.model)), dtype=np.float16)
        vectors[rows] = found
        empty = np.logical_not(vectors.any(axis=1))
        for row in np.flatnonzero(empty).tolist():
            verdicts.inapplicable(row)
        verdicts.set("vector", as_column(vectors, empty))


def unit(vectors: Floats) -> Floats:
    """Each row brought to length 1; rows of zeros stay."""
    lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    scaled: Floats = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def as_column(vectors: npt.NDArray[Any], empty: npt.NDArray[np.bool_]) -> pa.Array:
    """An Arrow column of vectors, null where `empty`."""
    values = pa.array(np.ascontiguousarray(vectors, dtype=np.float16).ravel())
    return pa.FixedSizeListArray.from_arrays(values, vectors.shape[1], mask=pa.array(empty))
