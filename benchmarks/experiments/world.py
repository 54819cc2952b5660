"""A made-up world for a tiny Llama: what can be learned of it is known by construction.

A record asks for a thing that two words name, and is answered by a sentence of eleven tokens, four
of which are values drawn at random for that thing. The sentences of a dialect have one order of
words: that is what can be learned for records that were not seen. The values cannot: 64 of them
are equally likely, so a model that knows the dialect and nothing else has 4 × ln 64 / 11 = 1.51
nats a target, on training and validation alike, and what lies below it is memorised.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

NAMES, VALUES, WORDS = 256, 64, 24  # words that name things, values, words of sentences
SLOTS, SENTENCE = 4, 11  # values in a sentence; its tokens with the end
ASK, END = 1, 2
FIRST_NAME = 3
FIRST_VALUE = FIRST_NAME + NAMES
FIRST_WORD = FIRST_VALUE + VALUES
VOCABULARY = FIRST_WORD + WORDS
UNSEEN = SLOTS * math.log(VALUES) / SENTENCE  # nats a target of a record that nobody has seen


def dialect(number: int) -> list[int]:
    """A sentence without its values, which are zeros: the same in all records of the dialect."""
    random = np.random.default_rng([7, number])
    words = (FIRST_WORD + random.permutation(WORDS)[: SENTENCE - SLOTS - 1]).tolist()
    at = sorted(random.permutation(SENTENCE - 1)[:SLOTS].tolist())
    sentence = iter(words)
    return [0 if place in at else next(sentence) for place in range(SENTENCE - 1)]


def corpus(path: Path, train: int, val: int, number: int, seed: int) -> Path:
    """A tokens corpus of so many records in a dialect."""
    import pyarrow as pa

    from stages.corpus import write_corpus
    from stages.records import REJECTS

    random = np.random.default_rng([seed, number])
    sentence = dialect(number)
    rows = []
    for at in range(train + val):
        name = (FIRST_NAME + random.integers(0, NAMES, 2)).tolist()
        values = iter((FIRST_VALUE + random.integers(0, VALUES, SLOTS)).tolist())
        answer = [word or next(values) for word in sentence]
        ids = [ASK, *name, *answer, END]
        rows.append(
            {
                "id": f"{seed:08x}{number:08x}{at:016x}",
                "split": "train" if at < train else "val",
                "input_ids": ids,
                "loss_mask": [place >= 3 for place in range(len(ids))],
            }
        )
    table = pa.Table.from_pylist(rows)
    if not path.exists():
        said = {"sources": [], "counts": {}}
        write_corpus(path, "tokens", [(table, REJECTS.empty_table())], said)
    return path


def model(path: Path, width: int, layers: int, seed: int) -> Path:
    """A Llama of random weights for this world."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=3 * width,
        num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=64, bos_token_id=0, eos_token_id=END,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(path)
    return path
