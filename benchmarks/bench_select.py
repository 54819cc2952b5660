"""Coverage of planted topics: spread selection, random, one record a cluster, plain k-center.

    python -m benchmarks.bench_select [--draws 10]

A topic is a section of the site in sample_data; its records are runs of 12 to 40 of its words. In
each draw the topics get sizes that fall as 1 / rank from 300 down to 4, in an order by the seed,
and half as many records are kept as there are topics. Random is the mean of 20 choices. The
interval is of the mean over draws (Student's t, 95 %). Each method sees the same vectors. Noise
is 3 to 40 words drawn from all topics; it counts for none.
"""

from __future__ import annotations

import argparse
import random
import statistics

from benchmarks.measure import header, interval, table
from benchmarks.texts import sections

NOISE = (0.0, 0.1)  # records of no topic, as a share of the others
Draw = tuple[list[str], list[int]]


def draw(topics: list[list[str]], seed: int, noise: float) -> Draw:
    """(texts, topic of each, -1 for noise), shuffled."""
    source = random.Random(seed)
    order = list(range(len(topics)))
    source.shuffle(order)
    found = []
    for rank, topic in enumerate(order):
        words = topics[topic]
        for _ in range(max(4, 300 // (rank + 1))):
            size = source.randint(12, 40)
            begin = source.randrange(len(words) - size + 1)
            found.append((" ".join(words[begin : begin + size]), topic))
    everything = [word for topic in topics for word in topic]
    for _ in range(round(noise * len(found))):
        found.append((" ".join(source.choices(everything, k=source.randint(3, 40))), -1))
    source.shuffle(found)
    return [text for text, _ in found], [topic for _, topic in found]


def of_clusters(texts: list[str], keep: int, seed: int) -> list[int]:
    """As many clusters as records are kept, of each the record nearest to the mean."""
    from sklearn.cluster import KMeans

    from benchmarks.alone import embed

    x = embed(texts)
    distance = KMeans(keep, n_init=1, random_state=seed).fit(x).transform(x)
    return sorted(set(distance.argmin(axis=0).tolist()))


def centers(texts: list[str], keep: int, centred: bool, likeness: bool) -> list[int]:
    """Plain k-center (Sener & Savarese 2018), with parts of what ours adds to it."""
    import numpy as np

    from benchmarks.alone import embed
    from stages.select import coverage

    x = embed(texts)
    if centred:
        coverage.centre(x)
    weight = np.ones(len(x), dtype=np.float32)
    if likeness:
        where = coverage.Neighbourhoods(np.zeros(len(x), dtype=np.int64), x[:1], 0)
        weight = coverage.weights(coverage.likeness(x, where)[1])
    return [int(row) for row in coverage.farthest_first(x, weight, keep)[0]]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, default=10)
    draws = parser.parse_args().draws
    header("select", "scikit-learn", "torch", "wordllama")
    topics = sections(60)
    for noise in NOISE:
        print_coverage(topics, draws, noise)


def print_coverage(topics: list[list[str]], draws: int, noise: float) -> None:
    """The table of one share of noise."""
    from benchmarks.alone import select

    def covered(kept: list[int]) -> int:
        return len({topic[i] for i in kept} - {-1})

    found: dict[str, list[float]] = {"random": []}
    odd: dict[str, int] = {"random": 0}
    for seed in range(draws):
        texts, topic = draw(topics, seed, noise)
        keep = len(topics) // 2
        source = random.Random(1000 + seed)
        choices = [source.sample(range(len(texts)), keep) for _ in range(20)]
        found["random"].append(statistics.fmean(map(covered, choices)))
        odd["random"] += round(statistics.fmean(sum(topic[i] < 0 for i in one) for one in choices))
        for name, kept in {
            "spread (default)": select(texts, keep, seed),
            "one a cluster": of_clusters(texts, keep, seed),
            "k-center": centers(texts, keep, False, False),
            "  mean taken out": centers(texts, keep, True, False),
            "  and what is less like its neighbours": centers(texts, keep, True, True),
        }.items():
            found.setdefault(name, []).append(float(covered(kept)))
            odd[name] = odd.get(name, 0) + sum(topic[i] < 0 for i in kept)
    print(
        f"{len(texts):,} records of {len(topics)} topics, {keep} kept, {draws} draws, "
        f"{100 * noise:g} % noise\n"
    )
    rows = []
    for name, numbers in found.items():
        gains = [100 * (a / b - 1) for a, b in zip(numbers, found["random"], strict=True)]
        mean, half = interval(gains) if name != "random" else (0.0, 0.0)
        cells = (statistics.fmean(numbers), min(numbers), max(numbers), odd[name] / draws)
        shown = (f"{cell:.{digits}f}" for cell, digits in zip(cells, (1, 0, 0, 1), strict=True))
        rows.append((name, *shown, f"{mean:+.1f} % +- {half:.1f}"))
    table(("", "topics covered", "least", "most", "noise kept", "over random"), rows)


if __name__ == "__main__":
    main()
