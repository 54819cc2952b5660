"""What lies beside the trained weights, so that the folder can be used at once and elsewhere.

The tokenizer's files, the chat template that renders a question as the records were rendered,
`base.json` by which the base model is found again, and the card.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.corpus import write_json
from stages.manifest import SourceEntry
from stages.tokens.foreign import read_object
from stages.tokens.model import files_in, tokenizer_folder
from stages.train import bases, model_card

TEMPLATE = "chat_template.jinja"
CONFIG = "tokenizer_config.json"


def complete(
    out: Path,
    *,
    model: str,
    folder: Path,
    template: str | None,
    summary: Mapping[str, Any],
    parameters: Mapping[str, Any],
    sources: Sequence[SourceEntry],
) -> None:
    """Write what is missing beside the weights in `out`.

    model: the base as the recipe names it; folder: where it lies. template: the chat template to
    ask the result with; None where the records were rendered without one. summary, parameters,
    sources: for the card.
    """
    name = bases.write(model, folder, out)
    if (folder / "tokenizer.json").is_file() or not name.local:
        write_tokenizer(tokenizer_folder(model), out, template)
    text = model_card.text(summary, parameters, sources, name, template is not None)
    (out / "README.md").write_text(text, encoding="utf-8")


def write_tokenizer(source: Path, out: Path, template: str | None) -> None:
    """Copy a tokenizer's files with another chat template, or none; what lies in `out` already (new
    tokens of the training) stays."""
    for path in files_in(source):
        if path.name not in (TEMPLATE, CONFIG) and not (out / path.name).exists():
            shutil.copyfile(path, out / path.name)
    config = read_object(source / CONFIG) if (source / CONFIG).is_file() else {}
    config.pop("chat_template", None)
    # Without a class AutoTokenizer asks for the config.json of a model, which no adapter has.
    config.setdefault("tokenizer_class", "PreTrainedTokenizerFast")
    # Code of a hub is not named by what we write.
    config.pop("auto_map", None)
    if not (out / CONFIG).exists():
        write_json(out / CONFIG, config)
    if template is not None:
        (out / TEMPLATE).write_text(template, encoding="utf-8")
