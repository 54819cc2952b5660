"""Training SmolLM2-135M on a CPU: tokens a CPU-second by length of a row and precision, and memory.

    python -m benchmarks.bench_train [--quick]

Each setting in a process of its own, one thread, a LoRA adapter of the default rank, the same
records of sample_data; the first step is not counted, nor are loading and validation. --quick
leaves out all but rows of 256, in fp32 and bf16. There is no peer: another loop with the same
model spends its time in the same matrix products.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import cpu, header, table

STEPS, TOKENS = 3, 1024  # optimizer steps, of which the first is not counted; tokens of each


def corpus(folder: Path) -> Path:
    """A tokens corpus of the sample's conversations."""
    from benchmarks.texts import pairs
    from stages import Split, Tokenize
    from stages.call import as_table
    from stages.corpus import write_corpus
    from stages.records import REJECTS

    rows = [{"prompt": one, "completion": two} for one, two in pairs()]
    made = Tokenize(train_on="all")(Split(val=2)(as_table(rows)[0], []), [])
    write_corpus(folder, "tokens", [(made, REJECTS.empty_table())], {"sources": [], "counts": {}})
    return folder


def child(source: Path, rows: int, precision: str, dropout: float) -> None:
    """Train and print what it took, as JSON."""
    import resource

    from stages import Train

    marks: list[tuple[int, float]] = []
    stage = Train(
        epochs=1, epoch_tokens=STEPS * TOKENS, batch_tokens=TOKENS, micro_tokens=rows, device="cpu",
        precision=precision, dropout=dropout, threads=1, samples=0, eval_every=1 << 20,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        out, work = Path(folder) / "out", Path(folder) / "work"
        out.mkdir()
        work.mkdir()
        stage.run(source, out, work, lambda done, total: marks.append((done, cpu())))
        summary = json.loads((out / "summary.json").read_text())
    share = 1 - 1 / len(marks)  # steps are made equally large
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    spent = marks[-1][1] - marks[0][1]
    print(json.dumps({"rate": summary["tokens"] * share / spent, "gigabytes": peak}))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        source, rows, precision, dropout = given.child
        child(Path(source), int(rows), precision, float(dropout))
        return
    header("train", "torch", "transformers", "peft")
    settings = [(256, "bf16", 0.0), (256, "fp32", 0.0)]
    if not given.quick:
        settings += [(512, "bf16", 0.0), (512, "fp32", 0.0), (256, "bf16", 0.05)]
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        source = corpus(Path(folder) / "tokens")
        for rows, precision, dropout in settings:
            command = [sys.executable, "-m", "benchmarks.bench_train", "--child", str(source)]
            command += [str(rows), precision, str(dropout)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            found = json.loads(done.stdout.splitlines()[-1])
            name = f"{rows}, {precision}" + (f", dropout {dropout}" if dropout else "")
            shown.append((name, found["rate"], found["gigabytes"]))
    base = shown[0][1]
    table(
        ("row, precision", "tokens/CPU-s", "to the first", "peak GB"),
        [(name, rate, f"{rate / base:.2f}", f"{peak:.2f}") for name, rate, peak in shown],
    )


if __name__ == "__main__":
    main()
