"""Does the training loss fall in steps where records repeat, and only there?

    python -m benchmarks.experiments.stairs [--records 320] [--seed 1] [--work FOLDER]

A tiny Llama learns one dialect of a made-up world (`world`), and is then trained whole on new
records in another dialect in five ways: 3 epochs of N records at a constant rate; 1 epoch of 3 N
records; 3 epochs at a quarter of the rate; 3 epochs with warm-up and linear decay; and 3 epochs
with a cosine in each. The page says what was memorised in each epoch, the height of the step at
each border, where validation turns, and who is memorised under the cosine.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.experiments import world
from benchmarks.experiments.runs import Made, border, by_part, figure, mean, rows, told, trained

RESULTS = Path(__file__).resolve().parent.parent / "results" / "experiments"
WIDTH, LAYERS = 128, 3
RATE = 2e-3
BEFORE = 3000  # records of the first dialect


def main() -> None:
    """Train, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=320)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, help="a folder that keeps the trainings for a rerun")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        page = experiment(given.work or Path(name), given.records, given.seed, given.out)
    (given.out / "stairs.md").write_text(page, encoding="utf-8")
    print(page)


def experiment(folder: Path, count: int, seed: int, out: Path) -> str:
    """The page. count: records of an epoch."""
    plain = world.model(folder / "plain", WIDTH, LAYERS, seed)
    first = world.corpus(folder / "first", BEFORE, 64, 0, seed)
    learned = trained(folder / "base", first, model=str(plain), epochs=1, lr=RATE, eval_every=500)
    base = str(learned.out)
    val = max(64, count // 4)
    small = world.corpus(folder / "small", count, val, 1, seed)
    large = world.corpus(folder / "large", 3 * count, val, 1, seed)
    per = -(-count // 8)
    every = max(1, per // 5)
    runs = {
        "3 epochs of N, constant rate": (small, {"epochs": 3}),
        "1 epoch of 3 N, constant rate": (large, {"epochs": 1}),
        "3 epochs of N, a quarter of the rate": (small, {"epochs": 3, "lr": RATE / 4}),
        "3 epochs of N, warm-up and linear decay": (
            small, {"epochs": 3, "schedule": "linear", "warmup": 0.1},
        ),
        "3 epochs of N, a cosine in each": (small, {"epochs": 3, "schedule": "cosine_by_epoch"}),
    }  # fmt: skip
    made: dict[str, Made] = {}
    for number, (label, (source, settings)) in enumerate(runs.items()):
        given = {"lr": RATE, "eval_every": every, "model": base, "seed": seed, **settings}
        made[label] = trained(folder / str(number), source, **given)
        name = f"stairs-{number + 1}.svg"
        figure(out / name, made[label], label, [(per * n, f"{n} N records") for n in (1, 2)])
    return _page(made, learned, count, per, seed)


def _page(made: dict[str, Made], learned: Made, count: int, per: int, seed: int) -> str:
    labels = list(made)
    width = max(4, per // 4)
    parts = [
        [label, *(told(pair) for pair in by_part(one, per)[:3])] for label, one in made.items()
    ]
    borders = [
        [label, *(told(border(one, n * per, width)) for n in (1, 2)), _found(one)]
        for label, one in made.items()
    ]
    sides = []
    for label, one in made.items():
        steps, val = one.curve("val")
        _, losses = one.curve("train")
        low = int(np.argmin(val))
        sides.append(
            [label, f"{losses[per - width : per].mean():.3f}", f"{np.interp(per, steps, val):.3f}",
             f"{val[low]:.3f} at {steps[low]}", f"{val[-1]:.3f}"]
        )  # fmt: skip
    return "\n".join(
        [
            "# Steps in the training loss where records repeat",
            "",
            f"`make experiment-stairs`, {datetime.date.today().isoformat()}; N = {count}, {per} "
            f"steps of 8 records, seed {seed}, a Llama of width {WIDTH} and {LAYERS} layers, "
            f"trained whole at {RATE:g}; base: validation "
            f"{learned.curve('val')[1][-1]:.3f} nats a target in its own dialect, where "
            f"{world.UNSEEN:.3f} is all that can be known. Nats a target, ± two standard errors.",
            "",
            "Memorised: how much further a record's loss is below its base loss than validation's "
            "is at that step.",
            "",
            rows(["training", "first N", "second N", "third N records"], parts),
            f"Height of the step at each border ({width} steps on either side), and whether "
            "`diagnose` finds epoch steps in the training loss alone:",
            "",
            rows(["training", "after N", "after 2 N records", "found at steps"], borders),
            "Training loss (mean of the last steps before N records) and validation:",
            "",
            rows(
                ["training", "training at N", "validation at N", "lowest validation", "last"], sides
            ),
            "Who is memorised under a cosine in each epoch: records by the rate of their step in "
            "the first epoch, and what is memorised of them in the second.",
            "",
            rows(
                ["quarter of the records by rate", "mean rate", "memorised"],
                _by_rate(made[labels[-1]], per),
            ),
            *[f"![{label}](stairs-{n}.svg)" for n, label in enumerate(labels, 1)],
            "",
        ]
    )


def _found(one: Made) -> str:
    from stages.curves.findings import findings
    from stages.curves.read import read_log

    steps = [f["step"] for f in findings(read_log(one.out)) if f["kind"] == "epoch_step"]
    return ", ".join(map(str, steps)) or "none"


def _by_rate(one: Made, per: int) -> list[list[str]]:
    rates = {line["step"]: line["lr"] for line in one.lines if line["split"] == "train"}
    first, second = one.steps <= per, (one.steps > per) & (one.steps <= 2 * per)
    rate = np.zeros(len(one.base))
    rate[one.records[first]] = [rates[step] for step in one.steps[first]]
    values = one.memorised()[second]
    seen = rate[one.records[second]]
    order = np.argsort(seen, kind="stable")
    shown = []
    for quarter in np.array_split(order, 4):
        shown.append(["", f"{seen[quarter].mean():.2e}", told(mean(values[quarter]))])
    for number, row in enumerate(shown, 1):
        row[0] = f"{number} of 4"
    return shown


if __name__ == "__main__":
    main()
