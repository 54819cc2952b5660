"""What a training costs that its recording adds: CPU seconds of each part beside those of steps.

    python -m benchmarks.bench_recording [--records 400] [--measure 0.03]

A Llama of random weights (width 256, 6 layers, 49,152 tokens as SmolLM2 has) is trained with LoRA
of rank 16 on random records of 20 to 100 tokens, half of them trained on, 3 epochs with 8 records a
step and a tenth more records for validation; one process, one thread, fp32. Each part of the
training is timed where it stands in the code, so that no two runs are compared. Shares are of the
CPU seconds of the optimizer steps. `figures` is what accuracy, confidence and entropy cost beside
the loss, as a share of an evaluation, by evaluating the validation side both ways, in turn.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import cpu, header, in_turn, table

VOCABULARY = 49152
LENGTHS = (20, 100)


def model_in(folder: Path) -> Path:
    """A Llama of random weights, with SmolLM2's tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from stages.tokens.model import tokenizer_folder

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=256, intermediate_size=688, num_hidden_layers=6,
        num_attention_heads=4, num_key_value_heads=4, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder / "model")
    shutil.copyfile(tokenizer_folder() / "tokenizer.json", folder / "model/tokenizer.json")
    return folder / "model"


def corpus_in(folder: Path, records: int) -> Path:
    """Random tokens."""
    import numpy as np
    import pyarrow as pa

    from stages.corpus import write_corpus
    from stages.records import REJECTS

    random = np.random.default_rng(2)
    rows = []
    for number in range(records + records // 10):
        length = int(random.integers(*LENGTHS))
        rows.append(
            {
                "id": f"{number:032x}",
                "split": "train" if number < records else "val",
                "input_ids": random.integers(3, VOCABULARY, length).tolist(),
                "loss_mask": [place >= length // 2 for place in range(length)],
            }
        )
    pieces = [(pa.Table.from_pylist(rows), REJECTS.empty_table())]
    write_corpus(folder / "tokens", "tokens", pieces, {"sources": [], "counts": {}})
    return folder / "tokens"


def timed(spent: dict[str, float]) -> None:
    """Have each part of a training add its CPU seconds."""
    from stages.train import loop
    from stages.train.evaluate import of_targets
    from stages.train.recorder import Recorder
    from stages.train.training import Training

    def around(name: Callable[..., str], plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            begin = cpu()
            try:
                return plain(*given, **more)
            finally:
                spent[name(*given)] += cpu() - begin

        return call

    def side(training: Any, documents: Any, how: Any) -> str:
        if documents is training.validation:
            return "validation (not of recording)"
        if how is of_targets:
            return "probe"
        return "retention" if documents is training.measured.retention else "base losses"

    plain = {name: getattr(Training, name) for name in ("take_step", "_evaluated", "notice")}
    Training.take_step = around(lambda *_: "optimizer steps", plain["take_step"])
    Training._evaluated = around(side, plain["_evaluated"])
    Training.notice = around(lambda *_: "findings meanwhile", plain["notice"])
    loop.recorded.write = around(lambda *_: "tables at the end", loop.recorded.write)
    for name in ("visits", "evaluation", "point", "base"):
        setattr(Recorder, name, around(lambda *_: "rows", getattr(Recorder, name)))


def figures(model: Path, source: Path) -> float:
    """What an evaluation costs more for its figures, as a share."""
    import torch

    from stages.tokens.packing import pack
    from stages.train import evaluate, loss
    from stages.train import model as models
    from stages.train.data import read_documents

    base = models.load_base(model, "lora", "fp32", "cpu")
    documents = read_documents(source, "val")
    rows = pack(documents.lengths, 256)

    def plain() -> None:
        with torch.no_grad():
            for row in rows:
                given = loss.row_of([documents.tokens(at) for at in row], "cpu")
                loss.row_losses(base, given, "fp32").double().numpy()

    works = {
        "both": lambda: evaluate.evaluate(base, documents, rows, "fp32", "cpu"),
        "plain": plain,
    }
    done = in_turn(works, 3)
    return 1 / done["both"].times(done["plain"]) - 1


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=400)
    parser.add_argument("--measure", type=float, default=0.03)
    given = parser.parse_args()
    header("recording", "torch", "transformers", "peft")
    from stages import Train

    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, source = model_in(folder), corpus_in(folder, given.records)
        stage = Train(
            model=str(model), epochs=3, batch=8, device="cpu", precision="fp32", threads=1,
            samples=0, measure=given.measure, attention="documents",
        )  # fmt: skip
        (folder / "out").mkdir()
        timed(spent)
        stage.run(source, folder / "out", folder / "work", lambda done, total: None)
        more = figures(model, source)
        size = sum(file.stat().st_size for file in (folder / "out/recorded").rglob("*"))
    steps = spent.pop("optimizer steps")
    rest = sum(value for key, value in spent.items() if "not of" not in key)
    rows = [("optimizer steps", steps, "")]
    rows += [(key, spent[key], f"{spent[key] / steps:.2%}") for key in sorted(spent)]
    rows.append(("recording in all", rest, f"{rest / steps:.2%}"))
    table((f"{given.records} records, measure {given.measure:g}", "CPU-s", "of steps"), rows)
    print(f"figures: {more:.1%} of an evaluation; recorded/ holds {size:,} bytes")


if __name__ == "__main__":
    main()
