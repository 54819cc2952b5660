"""Near duplicates: ours, datasketch (MinHash, LSH) and a hash of the whole text; bands x rows.

    python -m benchmarks.bench_dedup [--documents 10000]

Texts of 30 to 150 words by a seeded chain over sample_data; 40 % are edited copies, 0 to 10 % of
their words changed. The truth is computed without MinHash: the Jaccard index of the sets of word
3-grams of all pairs that can reach 0.8 (prefix filter, Chaudhuri et al. 2006). Recall: true pairs
that end in one group. Precision: pairs in one group that the truth joins too, if need be through
others.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from benchmarks.measure import header, in_turn, peer, table
from benchmarks.texts import Chain

LIMIT = 0.8
Pair = tuple[int, int]


def documents(count: int) -> list[str]:
    """Originals and edited copies, mixed."""
    chain, source = Chain(1), random.Random(2)
    originals = [chain.text(source.randint(30, 150)) for _ in range(count * 6 // 10)]
    copies = [
        chain.edited(source.choice(originals), source.uniform(0, 0.1))
        for _ in range(count - len(originals))
    ]
    texts = originals + copies
    source.shuffle(texts)
    return texts


def grams(text: str) -> frozenset[tuple[str, ...]]:
    """The set of word 3-grams."""
    words = re.findall(r"\w+", text.casefold())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def truth(sets: list[frozenset[tuple[str, ...]]]) -> list[Pair]:
    """All pairs at or above the limit."""
    often = Counter(gram for one in sets for gram in one)
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    found = []
    for number, one in enumerate(sets):
        ordered = sorted(one, key=lambda gram: (often[gram], gram))
        tried: set[int] = set()
        for gram in ordered[: len(ordered) - math.ceil(LIMIT * len(ordered)) + 1]:
            tried.update(holders[gram])
            holders[gram].append(number)
        for other in tried:
            if len(one & sets[other]) >= LIMIT * len(one | sets[other]):
                found.append((other, number))
    return found


def groups(count: int, pairs: Iterable[Pair]) -> list[int]:
    """Connected components: the smallest member of each document's."""
    parent = list(range(count))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for one, two in pairs:
        low, high = sorted((root(one), root(two)))
        parent[high] = low
    return [root(one) for one in range(count)]


def together(group: list[int]) -> set[Pair]:
    """All pairs of one group."""
    members: dict[int, list[int]] = defaultdict(list)
    for number, name in enumerate(group):
        members[name].append(number)
    return {pair for those in members.values() for pair in itertools.combinations(those, 2)}


def hashed(texts: list[str]) -> list[int]:
    """Equal words in equal order, by Python's hash."""
    first: dict[str, int] = {}
    keys = (" ".join(re.findall(r"\w+", text.casefold())) for text in texts)
    return [first.setdefault(key, number) for number, key in enumerate(keys)]


def sketched(datasketch: object, texts: list[str]) -> list[int]:
    """datasketch as its documentation shows it: 128 functions, what a query returns is taken."""
    lsh = datasketch.MinHashLSH(threshold=LIMIT, num_perm=128)  # type: ignore[attr-defined]
    found = []
    sets = [[" ".join(gram).encode() for gram in grams(text)] for text in texts]
    signatures = datasketch.MinHash.bulk(sets, num_perm=128)  # type: ignore[attr-defined]
    for number, signature in enumerate(signatures):
        found += [(other, number) for other in lsh.query(signature)]
        lsh.insert(number, signature)
    return groups(len(texts), found)


def bands(texts: list[str], true: list[Pair]) -> None:
    """Other cuts of at most 128 functions into bands: pairs proposed, before any is verified."""
    from stages.clean import minhash, shingles

    parts = [
        shingles.shingles_of(shingles.words_of(texts[part.start : part.stop]))
        for part in shingles.chunks(texts)
    ]
    sets = [grams(text) for text in texts]
    like = {pair: len(sets[pair[0]] & sets[pair[1]]) / len(sets[pair[0]] | sets[pair[1]])
            for pair in true}  # fmt: skip
    edge = [pair for pair in true if like[pair] < 0.85]
    rows = []
    for cut in ((42, 3), (27, 4), (21, 6), (16, 8), (9, 13)):

        def propose(cut: Pair = cut) -> set[Pair]:
            import numpy as np

            keys = np.concatenate([minhash.band_keys(*part, *cut) for part in parts])
            return set(zip(*(side.tolist() for side in minhash.candidates(keys)), strict=True))

        timed = in_turn({"": propose}, 1)[""]
        miss = (1 - LIMIT ** cut[1]) ** cut[0]
        recall = [sum(p in timed.result for p in those) / len(those) for those in (true, edge)]
        rows.append((f"{cut[0]} x {cut[1]}", f"{miss:.1e}", *recall,
                     len(timed.result) / len(texts), timed.seconds))  # fmt: skip
    head = ("bands x rows", "miss at .8", "recall", "recall .80-.85", "candidates/doc", "CPU-s")
    table(head, rows)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=10000)
    count = parser.parse_args().documents
    from benchmarks.alone import group_ids

    header("dedup", "numpy", "pyarrow", "datasketch")
    datasketch = peer("datasketch")
    texts = documents(count)
    pairs = truth([grams(text) for text in texts])
    true, joined = set(pairs), together(groups(count, pairs))
    print(f"{count:,} documents, {len(true):,} pairs at or above {LIMIT}\n")
    group_ids(texts[:100])
    works = {"seedbed": lambda: group_ids(texts), "equal words": lambda: hashed(texts)}
    if datasketch:
        works["datasketch"] = lambda: sketched(datasketch, texts)
    found = in_turn(works, 3)
    rows = []
    for name, timed in found.items():
        made = together(timed.result)
        precision = len(made & joined) / max(len(made), 1)
        rows.append((name, len(true & made) / len(true), precision, count / timed.seconds,
                     found["seedbed"].times(timed)))  # fmt: skip
    table(("", "recall", "precision", "documents/CPU-s", "seedbed is x"), rows)
    bands(texts, pairs)


if __name__ == "__main__":
    main()
