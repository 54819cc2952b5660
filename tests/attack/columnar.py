"""Arrow, Feather and Parquet files with bytes changed by seed, cut, and claiming what is not so."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.trial import Trial, batches
from tests.extract.damage import FORMS, changed

TEXT = "good words of a neighbour"


def _table(text: str) -> pa.Table:
    return pa.table({"text": [text]})


def _parquet(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def _arrow(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


GOOD = (".parquet", _parquet(_table(TEXT)), TEXT)


def _nested(depth: int) -> bytes:
    kind = pa.string()
    for _ in range(depth):
        kind = pa.struct([("a", kind)])
    return _arrow(pa.table({"a": pa.array([None], kind), "text": ["words"]}))


ODD: dict[str, Callable[[], bytes]] = {
    "run.arrow": lambda: _arrow(
        pa.table({"text": pa.RunEndEncodedArray.from_arrays([1 << 30], [TEXT])})
    ),
    "nulls.arrow": lambda: _arrow(pa.table({"text": pa.nulls(1 << 26)})),
    "dictionary.parquet": lambda: _parquet(
        pa.table({"text": pa.DictionaryArray.from_arrays([0] * 4000, ["x" * 200_000])})
    ),
    "zeros.parquet": lambda: _parquet(
        pa.table({"text": ["\0" * (60 << 20)]}), compression="zstd", use_dictionary=False
    ),
    "deep.arrow": lambda: _nested(60),
    "wide.parquet": lambda: _parquet(pa.table({f"c{n}": [1] for n in range(5000)})),
    "names.arrow": lambda: _arrow(pa.table([[1], ["a"]], names=["\x1b[2J\r\u202e", "text\0"])),
    "twice.arrow": lambda: _arrow(pa.table([["a"], ["b"]], names=["text", "text"])),
    "bytes.arrow": lambda: _arrow(pa.table({"text": [b"\xff\xfe"]})),
    "surrogates.arrow": lambda: _arrow(
        pa.table({"text": pa.Array.from_buffers(
            pa.string(), 1, [*pa.array(["abc"]).buffers()[:2], pa.py_buffer(b"\xed\xa0\x80")])})
    ),
    "magic.parquet": lambda: b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1",
    "magic.arrow": lambda: b"ARROW1\0\0" + b"\xff" * 64 + b"ARROW1",
    "stream.arrow": lambda: b"\xff\xff\xff\xff\xff\xff\xff\x7f" * 9,
    "text.parquet": lambda: json.dumps({"text": TEXT}).encode() * 9,
    "empty.parquet": lambda: _parquet(_table(TEXT).slice(0, 0)),
}  # fmt: skip


def damaged(seed: int, each: int) -> dict[str, bytes]:
    """Some changes of every form of the tests, every sixth a cut."""
    files = {}
    for form, make in FORMS.items():
        whole, draw = make(), random.Random(f"columnar {form} {seed}")
        suffix = ".parquet" if form.startswith("parquet") else ".arrow"
        for number in range(each):
            cut = number % 6 == 5
            data = whole[: draw.randrange(1, len(whole))] if cut else changed(whole, draw)
            files[f"{form} {number}{suffix}"] = data
    return files


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Damage by seed, and files that claim much."""
    if fast:
        odd = {name: partial(ODD[name]) for name in ("magic.arrow", "stream.arrow", "names.arrow")}
        yield from batches("all", "jsonl", {**damaged(seed, 3), **odd}, GOOD)
        return
    yield from batches("damaged", "jsonl", damaged(seed, 60), GOOD, at_once=60)
    yield from batches("odd", "jsonl", ODD, GOOD, at_once=4)
