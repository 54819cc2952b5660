"""What the weights of a model's folder are, read from the headers of its safetensors files.

No tensor is loaded: a header names every tensor with its type, shape and place in the file
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

from stages.tokens.foreign import garbled

LARGEST_HEADER = 100 << 20  # the format's own limit
EDGE = 4096  # bytes at either end of a tensor that its fingerprint is made of


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file. kind: the format's word, as BF16. shape: its sizes. begin, end: bytes of
    the file that it takes."""

    file: Path
    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def count(self) -> int:
        """How many numbers it holds, packed ones counted as they are stored."""
        return math.prod(self.shape)


def tensors_of(folder: Path) -> dict[str, Tensor]:
    """name → tensor of all safetensors files of a folder, by name; empty without any. UsageError
    for a file whose header cannot be read."""
    found: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= _header(path)
    return dict(sorted(found.items()))


def _header(path: Path) -> dict[str, Tensor]:
    size = path.stat().st_size
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > LARGEST_HEADER or length + 8 > size:
                raise ValueError(f"its header of {length} bytes is cut off")
            header = json.loads(file.read(length))
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = (8 + length + int(offset) for offset in entry["data_offsets"])
            if not 8 + length <= begin <= end <= size:
                raise ValueError(f"tensor {name[:80]!r} lies outside of the file")
            shape = tuple(int(one) for one in entry["shape"])
            if min(shape, default=0) < 0 or math.prod(shape) > 8 * (end - begin):
                raise ValueError(f"tensor {name[:80]!r} is larger than its bytes")
            tensors[name] = Tensor(path, str(entry["dtype"]), shape, begin, end)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise garbled(path, error) from None
    return tensors


def fingerprint(folder: Path) -> str:
    """What the weights are known by, however they are cut into files: BLAKE2b over name, type,
    shape and the first and last 4 KiB of each tensor.

    It tells models apart that were trained differently, at the cost of a few reads a tensor where a
    hash of 16 GB takes a minute; it is no proof against somebody who forges weights.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in tensors_of(folder).items():
        digest.update(f"{name}\0{tensor.kind}\0{tensor.shape}\0".encode())
        with open(tensor.file, "rb") as file:
            file.seek(tensor.begin)
            digest.update(file.read(min(EDGE, tensor.end - tensor.begin)))
            file.seek(max(tensor.begin, tensor.end - EDGE))
            digest.update(file.read(min(EDGE, tensor.end - tensor.begin)))
    return digest.hexdigest()
