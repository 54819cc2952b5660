"""Our reader of wordllama's weights against the wordllama package: the same vectors, and speed.

    python -m benchmarks.bench_embed [--texts 20000]

Texts: runs of words out of sample_data, short (5 to 15) and long (100 to 300). Ours reads all of a
text, with white space run together, which the texts already are; both scale to length 1. The
difference is the largest of any number in any vector, before rounding to half precision. minilm
is our reader of a small transformer, on a part of the texts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.measure import header, in_turn, peer, table
from benchmarks.texts import windows


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, default=20000)
    count = parser.parse_args().texts
    header("embed", "wordllama", "tokenizers", "numpy")
    wordllama = peer("wordllama")
    import numpy as np

    from stages.select import embed, encoders

    ours = encoders.encoder("wordllama", 0)
    works = {"seedbed": lambda texts: embed.unit(ours(texts))}
    if wordllama:
        # The weights lie in the package; by default it asks a hub for the tokenizer.
        home = Path(wordllama.__file__).parent
        theirs = wordllama.WordLlama.load(cache_dir=home, disable_download=True)
        works["wordllama"] = lambda texts: theirs.embed(texts, norm=True)
    rows = []
    for kind, shortest, longest, part in (("short", 5, 15, count), ("long", 100, 300, count // 10)):
        texts = windows(part, shortest, longest, seed=8)
        for work in works.values():
            work(texts[:64])
        found = in_turn({name: lambda w=w, t=texts: w(t) for name, w in works.items()}, 5)
        for name, timed in found.items():
            off = float(np.abs(timed.result - found["seedbed"].result).max())
            rows.append((f"{kind}, {name}", part / timed.seconds, f"{off:.1e}",
                         found["seedbed"].times(timed)))  # fmt: skip
        few = texts[: 300 if kind == "short" else 60]
        slow = encoders.encoder("minilm", 256)
        slow(few[:2])
        one = in_turn({"": lambda s=slow, t=few: s(t)}, 1)[""]
        rate = part / found["seedbed"].seconds / (len(few) / one.seconds)
        rows.append((f"{kind}, minilm", len(few) / one.seconds, "another model", rate))
    table(("", "texts/CPU-s", "difference", "seedbed is x"), rows)


if __name__ == "__main__":
    main()
