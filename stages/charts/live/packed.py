"""Arrays and texts of a page, packed: zlib, then base64, in elements that a browser does not run.

Curves have 8 bits a value on a square-root scale, which is finest near nothing, where losses end up
(0 to 16 nats: steps of .004 at .06 and of .06 at 4). They lie step by step, each step less the
one before, because neighbours in time are alike: 100,000 curves of 40 steps take 3.6 MB, record by
record 4.7 MB. Places are 16 bits an axis. base64 has no `<`, and text lies in the packed part, so
that nothing of a corpus stands in the page's own markup.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LEVELS = 254  # the highest code of a curve; the one above says that there is no number
MISSING = LEVELS + 1
SIDE = 65535  # the highest code of a place
TYPES = {"uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "float32": np.float32}


@dataclass(frozen=True)
class Part:
    """One packed value. type: one of `TYPES`, or json. text: base64."""

    name: str
    type: str
    text: str


def array(name: str, values: Array) -> Part:
    """Numbers of one of the types, flat, little-endian."""
    kind = values.dtype.newbyteorder("=").name
    if kind not in TYPES:
        raise ValueError(f"{name}: {kind} is none of {', '.join(TYPES)}")
    return Part(name, kind, _packed(values.astype(values.dtype.newbyteorder("<")).tobytes()))


def value(name: str, content: Any) -> Part:
    """Any JSON value; half characters become their replacement character."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Part(name, "json", _packed(text.encode("utf-8", errors="replace")))


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def top_of(curves: Array) -> float:
    """The value of the highest code: the greatest finite one, or 1 where none is above nothing."""
    finite = curves[np.isfinite(curves)]
    most = float(finite.max()) if finite.size else 0.0
    return most if most > 0 else 1.0


def codes_of(curves: Array, top: float) -> Array:
    """uint8 codes of values from 0 to `top`; below and above they are cut, and what is no number
    has the code `MISSING`. The value of code q is top * (q / LEVELS) ** 2."""
    finite = np.isfinite(curves)
    share = np.sqrt(np.clip(np.where(finite, curves, 0.0), 0.0, top) / top)
    return np.where(finite, np.rint(share * LEVELS), MISSING).astype(np.uint8)


def curves(name: str, values: Array, top: float) -> Part:
    """Curves [n, steps] as codes, step by step, each less the one before modulo 256."""
    codes = np.ascontiguousarray(codes_of(values, top).T)
    codes[1:] -= codes[:-1].copy()  # uint8: modulo 256
    return array(name, codes)


def places(name: str, points: Array) -> Part:
    """Points [n, 2] as 16 bits an axis, first all x and then all y; both axes have one scale, and
    the wider one fills it."""
    low, high = points.min(axis=0), points.max(axis=0)
    width = float((high - low).max()) or 1.0
    middle = (low + high) / 2
    share = (points - middle) / width + 0.5
    return array(name, np.rint(np.clip(share.T, 0, 1) * SIDE).astype(np.uint16))
