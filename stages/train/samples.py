"""Completions of validation prompts before and after training, for people to look at.

Also the chat template that renders a question as the records were rendered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.corpus import Corpus
from stages.require import require
from stages.tokens.model import tokenizer_of
from stages.train import model as models
from stages.train.data import Documents
from stages.train.loss import autocast
from stages.train.plan import order

if TYPE_CHECKING:
    from stages.train.train import Train

TEXT_PROMPT = 16  # tokens of a text without a prompt that are given to go on from


def completions(
    model: Any, folder: Path, documents: Documents, setting: Train, precision: str, device: str
) -> list[dict[str, str]]:
    """prompt, reference and greedy completion of the first validation records by seed.

    Empty when no samples are wanted or the model's folder has no tokenizer to read tokens with.
    """
    if not setting.samples or not (folder / "tokenizer.json").is_file():
        return []
    torch = require("torch", "train")
    tokenizer = tokenizer_of(folder)
    made = []
    for number in order(documents.ids, setting.seed, 0)[: setting.samples]:
        tokens, wanted = documents.tokens(number)
        begin = max(int(np.flatnonzero(wanted)[0]), min(TEXT_PROMPT, len(tokens) // 2))
        prompt = torch.from_numpy(tokens[:begin].astype(np.int64))[None].to(device)
        model.eval()
        with torch.no_grad(), autocast(device, precision), models.plainly(model):
            whole = model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                generation_config=_greedy(model, setting.generate),
            )
        made.append(
            {
                "prompt": tokenizer.decode(tokens[:begin].tolist()),
                "reference": tokenizer.decode(tokens[begin:].tolist()),
                "completion": tokenizer.decode(whole[0, begin:].tolist()),
            }
        )
    return made


def _greedy(model: Any, tokens: int) -> Any:
    """Greedy decoding, whatever sampling the model's own configuration asks for."""
    own = model.generation_config
    end = own.eos_token_id if own.eos_token_id is not None else model.config.eos_token_id
    padding = end[0] if isinstance(end, list) else end
    return require("transformers", "train").GenerationConfig(
        do_sample=False,
        max_new_tokens=tokens,
        eos_token_id=end,
        pad_token_id=padding if padding is not None else 0,
        use_cache=True,
    )


def paired(before: list[dict[str, str]], after: list[dict[str, str]]) -> list[dict[str, str]]:
    """One entry a prompt: prompt, reference, before, after."""
    return [
        {
            "prompt": first["prompt"],
            "reference": first["reference"],
            "before": first["completion"],
            "after": last["completion"],
        }
        for first, last in zip(before, after, strict=True)
    ]


def chat_template(model: str, folder: Path, source: Path) -> str | None:
    """The template to ask the trained model with; None for a corpus that was rendered without.

    Some templates add a system message of their own, which the records were not trained with.
    """
    steps = Corpus(source).manifest.get("steps") or [{}]
    parameters = steps[-1].get("parameters") or {}
    if parameters.get("chat") == "plain" or not (folder / "tokenizer.json").is_file():
        return None
    from stages.tokens.chat import load_chat
    from stages.tokens.encode import Encoder
    from stages.tokens.model import load_tokenizer

    special = Encoder(load_tokenizer(model), model).special
    chat = load_chat(model, special, bool(parameters.get("default_system", False)))
    if chat is None:
        return None
    with chat.limited():
        return chat.source if chat.default_system else chat.source_as_trained()
