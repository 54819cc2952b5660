"""Changes bytes of columnar files and reads each result in a process of its own.

    python -m tests.extract.damage FORM SEED COUNT FOLDER

prints one JSON line for each change that was not answered by rows or a fault: a signal, an
exception, text that stands nowhere in the file. FORM: one of FORMS.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from stages.extract.jsonl import JsonlExtract

_WORDS = ["amber", "basin", "cedar", "dune", "ember", "fjord", "grove", "heath", "islet"]
_MEMORY = 3 << 30  # of address space; what is told of lengths is not asked for


def _table(plain: bool) -> pa.Table:
    draw = random.Random(5)

    def text() -> str:
        return " ".join(draw.choice(_WORDS) for _ in range(6))

    number = 60
    columns: dict[str, Any] = {
        "prompt": [text() for _ in range(number)],
        "completion": pa.array([text() for _ in range(number)], pa.large_string()),
        "kind": pa.array([draw.choice(_WORDS) for _ in range(number)]).dictionary_encode(),
        "n": [[draw.randrange(99) for _ in range(draw.randrange(4))] for _ in range(number)],
        "who": [{"name": text(), "tags": [text()]} if draw.random() < 0.8 else None] * number,
        "at": pa.array([draw.randrange(10**9) for _ in range(number)], pa.timestamp("s")),
    }
    if not plain:  # what Parquet has no form for
        columns["view"] = pa.array([text() for _ in range(number)], pa.string_view())
        columns["views"] = pa.array([[1, 2]] * number, pa.list_view(pa.int32()))
        columns["runs"] = pa.RunEndEncodedArray.from_arrays(
            pa.array([10, number], pa.int32()), pa.array([text(), text()])
        )
        columns["either"] = pa.UnionArray.from_dense(
            pa.array([0, 1] * (number // 2), pa.int8()),
            pa.array([n // 2 for n in range(number)], pa.int32()),
            [pa.array(range(number // 2)), pa.array([text() for _ in range(number // 2)])],
        )
        pairs = pa.map_(pa.string(), pa.int32())
        columns["map"] = pa.array([[("a", n)] for n in range(number)], pairs)
        columns["fixed"] = pa.array([[1, 2]] * number, pa.list_(pa.int32(), 2))
    return pa.table(columns)


def _ipc(maker: Callable[..., Any], codec: str | None) -> Callable[[], bytes]:
    def made() -> bytes:
        sink = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(compression=codec)
        table = _table(False)
        with maker(sink, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=30)
        return sink.getvalue()

    return made


def _parquet(**options: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        sink = io.BytesIO()
        pq.write_table(_table(True), sink, row_group_size=30, **options)
        return sink.getvalue()

    return made


def _feather() -> bytes:
    sink = io.BytesIO()
    pyarrow.feather.write_feather(_table(True), sink)
    return sink.getvalue()


FORMS: dict[str, Callable[[], bytes]] = {
    "file": _ipc(pa.ipc.new_file, None),
    "file zstd": _ipc(pa.ipc.new_file, "zstd"),
    "stream": _ipc(pa.ipc.new_stream, None),
    "stream lz4": _ipc(pa.ipc.new_stream, "lz4"),
    "parquet": _parquet(),
    "parquet zstd": _parquet(compression="zstd", version="2.6", data_page_version="2.0"),
    "parquet plain": _parquet(compression="none", use_dictionary=False),
    "feather": _feather,
}


def changed(whole: bytes, draw: random.Random) -> bytes:
    """A few bytes of the file, or a length in it, made to be something else."""
    data = bytearray(whole)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = draw.randrange(8, len(data))
        way = draw.randrange(5)
        if way == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif way == 1:
            data[at] = draw.choice((0, 1, 127, 128, 255))
        elif way == 2:
            width = draw.choice((4, 8))
            told = draw.choice((-1, 1 << 31, (1 << 31) - 1, 1 << 40, 1 << 62, 3, 0))
            data[at : at + width] = (told % (1 << 8 * width)).to_bytes(width, "little")
        elif way == 3:
            other = draw.randrange(8, len(data))
            data[at : at + 16] = data[other : other + 16]
        else:
            data[at : at + 4] = draw.randbytes(4)
    return bytes(data)


def wrong_in(path: Path, open_text: bool) -> str | None:
    """What is wrong with the reading of a file. open_text: texts stand in it as they are."""
    stage = JsonlExtract()
    rejects: list[dict[str, Any]] = []
    records = list(stage(path, rejects))
    data = path.read_bytes()
    if open_text:
        for record in records:
            for name in ("prompt", "completion"):
                if record[name].encode() not in data:
                    return f"{name} {record[name]!r} stands nowhere in the file"
    return None if records or rejects else "neither rows nor a fault"


def _one(data: bytes, path: Path, open_text: bool) -> str | None:
    """None, or what went wrong, for one file; read in a fork so that a crash is seen."""
    path.write_bytes(data)
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(20)
        try:
            told = wrong_in(path, open_text) or "ok"
        except MemoryError:
            told = "MemoryError"
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(into, told.encode()[:2000])
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if status:
        return f"status {status}"
    return None if text == "ok" else text


def main(form: str, seed: int, count: int, folder: Path) -> None:
    whole = FORMS[form]()
    draw = random.Random(f"{form} {seed}")
    suffix = ".parquet" if form.startswith("parquet") else ".arrow"
    open_text = form in ("file", "stream", "parquet plain")
    path = folder / f"changed{suffix}"
    path.write_bytes(whole)
    assert wrong_in(path, open_text) is None  # and what it imports is there for all forks
    for number in range(count):
        wrong = _one(changed(whole, draw), path, open_text)
        if wrong is not None:
            print(json.dumps({"form": form, "number": number, "wrong": wrong}), flush=True)
    print(json.dumps({"form": form, "tried": count}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
