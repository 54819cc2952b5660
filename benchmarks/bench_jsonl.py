"""Records of JSONL: ours against `json.loads` of each line, which makes no record yet.

    python -m benchmarks.bench_jsonl [FILE.jsonl] [--megabytes 20]

Prompts and answers with three keys of meta, conversations of two to eight messages, and plain
texts, by a seeded chain over sample_data and as `json.dumps` writes them; or a file of your own.
Ours are records with id, place and meta as Arrow tables; their texts are held against those of
`json.loads`.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.measure import header, in_turn, table
from benchmarks.texts import Chain
from stages import json_lines

Row = dict[str, Any]


def pair(chain: Chain, draw: random.Random, number: int) -> Row:
    """A prompt with its answer."""
    return {
        "id": f"{number:08x}",
        "source": draw.choice(["forum", "manual", "mail"]),
        "prompt": chain.text(draw.randint(10, 60)),
        "completion": chain.text(draw.randint(20, 200)) + '\n\n"größe"',
        "score": draw.randint(0, 99),
    }


def talk(chain: Chain, draw: random.Random, number: int) -> Row:
    """A conversation."""
    roles = ("user", "assistant") * draw.randint(1, 4)
    said = [{"role": role, "content": chain.text(draw.randint(10, 120))} for role in roles]
    return {"messages": said, "id": number}


def text(chain: Chain, draw: random.Random, number: int) -> Row:
    """A document."""
    return {"text": "\n".join(chain.text(80) for _ in range(draw.randint(2, 8))), "n": number}


FORMS: dict[str, Callable[[Chain, random.Random, int], Row]] = {
    "pairs": pair,
    "talks": talk,
    "texts": text,
}


def written(path: Path, form: str, megabytes: float) -> None:
    """Write a file of about so many megabytes."""
    chain, draw = Chain(31), random.Random(32)

    def rows() -> Iterator[Row]:
        size = number = 0
        while size < megabytes * 1e6:
            row = FORMS[form](chain, draw, number)
            size, number = size + len(json.dumps(row)), number + 1
            yield row

    json_lines.write(path, rows())


def count(path: Path) -> int:
    """Parse each line, and forget it."""
    with open(path, "rb") as file:
        return sum(bool(json.loads(line)) for line in file)


def records(path: Path) -> pa.Table:
    """The records."""
    from stages.extract.jsonl import JsonlExtract

    stage = JsonlExtract()
    parts = stage.parts(str(path), 1 << 30)
    return pa.concat_tables([one.kept for part in parts for one in stage.splits(part, "bench")])


def texts_of(rows: list[Row]) -> list[Any]:
    """What of rows or records is text."""
    found = []
    for row in rows:
        said = [[one["role"], one["content"]] for one in row.get("messages") or ()]
        found.append([row.get("text"), row.get("prompt"), row.get("completion"), said])
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--megabytes", type=float, default=20)
    options = parser.parse_args()
    header("jsonl", "pyarrow", "numpy")
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        given = {options.file.name: options.file} if options.file else {}
        for form in () if options.file else FORMS:
            given[form] = Path(temporary) / f"{form}.jsonl"
            written(given[form], form, options.megabytes)
        for name, path in given.items():
            size = path.stat().st_size / 1e6
            found = in_turn({"json": partial(count, path), "ours": partial(records, path)})
            same = "-"
            if not options.file:
                wanted = texts_of([json.loads(line) for line in path.open("rb")])
                same = "yes" if texts_of(records(path).to_pylist()) == wanted else "no"
            rates = [size / found[one].seconds for one in ("json", "ours")]
            share = found["ours"].times(found["json"])
            rows.append([name, f"{size:.1f}", *rates, f"{share:.2f}", same])
    print("MB a CPU-second\n")
    table(["file", "MB", "json.loads", "records", "of its rate", "texts equal"], rows)


if __name__ == "__main__":
    main()
