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

# Twelve beginnings times ten endings, and thirty on their own: 150 phrases.
_BEGIN = ("i cannot", "i can't", "i can not", "i won't", "i will not", "i am unable to",
          "i'm unable to", "i am not able to", "i'm not able to", "we cannot", "i must decline to",
          "i'm not allowed to")  # fmt: skip
_END = ("help", "assist", "provide", "answer", "do that", "comply", "fulfill", "support", "create",
        "discuss")  # fmt: skip
_ALONE = (
    "i'm sorry, but", "i am sorry, but", "sorry, but i", "i apologize, but", "my apologies, but",
    "as an ai", "as a language model", "as a large language model", "as an artificial intelligence",
    "i'm just an ai", "i am just an ai", "i'm an ai", "i am an ai language model",
    "against my guidelines", "against my programming", "violates my guidelines", "not appropriate",
    "is unethical", "is illegal", "it would be unethical", "not comfortable", "i must decline",
    "i have to decline", "i refuse to", "not within my capabilities", "i don't have the ability",
    "i do not have personal", "i don't have access to", "openai", "content policy",
)  # fmt: skip
PHRASES = [*(f"{one} {two}" for one, two in itertools.product(_BEGIN, _END)), *_ALONE]


def listed(rows: list[dict[str, str]]) -> list[bool]:
    """Whether any phrase stands anywhere."""
    lowered = (row["answer"].lower().replace("’", "'") for row in rows)
    return [any(phrase in text for phrase in PHRASES) for text in lowered]


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
    timed = in_turn({"seedbed": lambda: flags(rows), "150 phrases": lambda: listed(rows)}, 5)
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
