"""The chat template of a model, and the tokens that it names, from the files of its folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from stages.errors import UsageError
from stages.tokens.chat import DATE, PROBE, Chat
from stages.tokens.foreign import encodable, garbled, read_object, read_text
from stages.tokens.left_out import TemplateError
from stages.tokens.model import tokenizer_folder, tokenizer_of


def _text_of(token: object) -> str | None:
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


def special_variables(folder: Path) -> dict[str, str]:
    """bos_token, eos_token … of a tokenizer's folder."""
    found: dict[str, str] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        path = folder / name
        if path.is_file():
            for key, token in read_object(path).items():
                text = _text_of(token) if key.endswith("_token") else None
                if text is not None:
                    found[key] = encodable(path, text)
    return found


def _template_source(folder: Path) -> tuple[Path, str] | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path, read_text(path)
    path = folder / "tokenizer_config.json"
    source = read_object(path).get("chat_template") if path.is_file() else None
    if isinstance(source, list):  # several, by name
        named = {e.get("name"): e.get("template") for e in source if _is_named(e)}
        if len(named) != len(source):
            raise garbled(path, "its chat_template is no list of named templates")
        source = named.get("default")
    if source is None:
        return None
    if not isinstance(source, str):
        raise garbled(path, f"its chat_template is no text but a {type(source).__name__}")
    return path, encodable(path, source)


def _is_named(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str)


def template_of(folder: Path) -> str | None:
    """The text of a folder's chat template."""
    found = _template_source(folder)
    return None if found is None else found[1]


def load_chat(
    model: str, special: Iterable[str], default_system: bool = False, date: str = DATE
) -> Chat | None:
    """The chat template of a model; None when it has none."""
    return _chat_of(tokenizer_folder(model), special, default_system, date)


def _chat_of(
    folder: Path, special: Iterable[str], default_system: bool = False, date: str = DATE
) -> Chat | None:
    found = _template_source(folder)
    if found is None:
        return None
    path, source = found
    return Chat(source, special, special_variables(folder), default_system, str(path), date)


def problem_in(folder: Path, template: bool = True) -> str | None:
    """One sentence when the tokenizer's files of a folder, or its template, cannot be used."""
    try:
        special_variables(folder)
        chat = _chat_of(folder, ()) if template else None
        if chat is not None:
            with chat.limited(), contextlib.suppress(TemplateError):
                chat.render(PROBE)
        if (folder / "tokenizer.json").is_file():
            tokenizer_of(folder)
    except UsageError as error:
        return str(error)
    return None
