"""What a model's tokenizer and chat template are known by, wherever they lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from stages.errors import UsageError
from stages.stamps import stamps_of
from stages.tokens.chat import template_of
from stages.tokens.foreign import read_object
from stages.tokens.model import files_in, tokenizer_folder

# What decides the ids of a text; padding, truncation and what a file is called do not.
_PARTS = ("model", "added_tokens", "normalizer", "pre_tokenizer")


def identity_of(model: str) -> dict[str, str | None]:
    """`tokenizer` and `template`: SHA-256 of what decides ids, and of the text; None without one.

    Two folders that differ in anything else (white space in a file, the order of keys) have one
    identity. UsageError when the model cannot be had.
    """
    return dict(identity_in(tokenizer_folder(model)))


def identity_in(folder: Path) -> Mapping[str, str | None]:
    """The identity of what lies in a folder with tokenizer.json."""
    return _of(folder, stamps_of(files_in(folder)))


@lru_cache(maxsize=8)
def _of(folder: Path, stamps: object) -> Mapping[str, str | None]:
    layout = read_object(folder / "tokenizer.json")
    parts: dict[str, Any] = {name: layout.get(name) for name in _PARTS}
    text = json.dumps(parts, sort_keys=True)
    template = template_of(folder)
    return {
        "tokenizer": hashlib.sha256(text.encode()).hexdigest(),
        "template": None if template is None else hashlib.sha256(template.encode()).hexdigest(),
    }


def difference(tokens: Mapping[str, Any], model: str, said: str, plain: bool = False) -> str | None:
    """Why a model cannot be trained on tokens: a sentence with both names, or None.

    tokens: the identity that they were made with. said: what names their model. plain: whether
    they were made without a template.
    """
    try:
        own = identity_of(model)
    except UsageError:  # a model without a tokenizer can be trained, and not compared
        return None
    if tokens.get("tokenizer") != own["tokenizer"]:
        return (
            f"the tokens were made with the tokenizer of {said!r}, which is not that of {model!r}; "
            "name the same model in tokenize and train"
        )
    templates = (tokens.get("template"), own["template"])
    if not plain and None not in templates and templates[0] != templates[1]:
        return (
            f"the tokens were made with the chat template of {said!r}, which is not that of "
            f"{model!r}; name the same model in tokenize and train"
        )
    return None
