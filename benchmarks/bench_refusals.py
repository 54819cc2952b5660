"""Refusals: ours against a list of 150 phrases looked for anywhere in the answer.

    python -m benchmarks.bench_refusals [--answers 20000]

Speed on the answers of sample_data repeated; quality on the lines planted there: refusals, answers
that lack something or ask back, remarks on being an AI, and traps that only look like one. They
were written for this project, so quality here is a floor, not a measure of the world.
"""

from __future__ import annotations

import argparse
import itertools
import json

from benchmarks.measure import header, in_turn, table
from benchmarks.texts import SAMPLE, labels, pairs
from stages.clean.refusal_phrases import PHRASES, holds_phrase


def listed(rows: list[dict[str, str]]) -> list[bool]:
    """Whether any phrase stands anywhere, as published filters look for them."""
    return [
        any(phrase.lower() in row["answer"].lower().replace("’", "'") for phrase in PHRASES)
        for row in rows
    ]


def planted() -> list[tuple[list[dict[str, str]], str]]:
    """(a row for each answer, kind) of the lines that have one; '' where nothing is planted."""
    known, found = labels(), []
    path = SAMPLE / "instructions/instructions.jsonl"
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        try:
            record = json.loads(line)
            turns = [t["content"] for t in record.get("messages", []) if t["role"] == "assistant"]
            turns = turns or [record.get("completion") or record.get("output")]
        except (ValueError, AttributeError, KeyError, TypeError):  # planted malformed lines
            continue
        answers = [{"answer": turn} for turn in turns if isinstance(turn, str) and turn.strip()]
        if answers:
            found.append((answers, known.get(number, "")))
    return found


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--answers", type=int, default=20000)
    count = parser.parse_args().answers
    from benchmarks.alone import flags

    assert len(PHRASES) == 150
    header("refusals", "pyarrow")
    rows = [{"answer": answer} for _, answer in itertools.islice(itertools.cycle(pairs()), count)]
    flags(rows[:100])
    texts = [row["answer"] for row in rows]
    assert holds_phrase(texts) == listed(rows)
    timed = in_turn(
        {
            "seedbed": lambda: flags(rows),
            "150 phrases, a loop": lambda: listed(rows),
            "150 phrases, over columns": lambda: holds_phrase(texts),
        },
        5,
    )
    size = sum(len(row["answer"].encode()) for row in rows) / 1e6
    print(f"{count:,} answers, {size:.1f} MB\n")
    table(
        ("", "answers/CPU-s", "MB/CPU-s", "seedbed is x"),
        [(name, round(count / one.seconds), size / one.seconds, timed["seedbed"].times(one))
         for name, one in timed.items()],
    )  # fmt: skip
    rows_of = planted()
    ours = [flags(answers) for answers, _ in rows_of]
    theirs = [any(listed(answers)) for answers, _ in rows_of]
    keys, shown = ("refusal", "ai_boilerplate", "cannot"), []
    for kind in ("refusal", "refusal, disguised", "boilerplate", "cannot", "trap", ""):
        at = [n for n, (_, name) in enumerate(rows_of) if name == kind]
        counts = [sum(any(turn[key] for turn in ours[n]) for n in at) for key in keys]
        shown.append((kind or "all others", len(at), *counts, sum(theirs[n] for n in at)))
    head = ("planted", "records", "as refusal", "as boilerplate", "as cannot", "150 phrases")
    table(head, shown)


if __name__ == "__main__":
    main()
