"""A trained adapter on its base model again: loaded, asked, and merged into the weights.

W + (alpha / r) B A is a weight like any other (Hu et al. 2021, section 4.1); peft knows the forms
of its variants (DoRA, rsLoRA, PiSSA, biases, modules that were saved whole, trained token rows).
"""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.errors import SeedbedError, UsageError
from stages.require import require
from stages.tokens.foreign import garbled, read_object
from stages.train import model as models
from stages.train.bases import Base, is_whole
from stages.train.weights import tensors_of

PROBE = 24  # tokens on which a merged model is held against base and adapter
# Greatest difference of logits in fp32, as a share of the greatest logit: rounding of sums in
# another order. A model of 2 layers has 1e-7, SmolLM2-135M 2e-6; a scale that is wrong has 1e-2.
MERGED = 1e-5


def load(adapter: Path, base: Base | None, precision: str, device: str) -> Any:
    """The trained model in evaluation mode: a base with its adapter, or a model that was trained
    whole. precision: fp32 or bf16, of the frozen weights. UsageError for what does not fit."""
    if base is None:
        return models.load_base(adapter, "lora", precision, device)
    model = models.load_base(base.folder, "lora", precision, device)
    found = with_adapter(model, adapter, base.said).to(device).eval()
    _probe_of(found, adapter, base.said)
    return found


def with_adapter(model: Any, adapter: Path, said: str) -> Any:
    """The model with the adapter of a folder. said: what the model is called in messages."""
    with quiet():
        peft = require("peft", "train")
    if not (adapter / "adapter_model.safetensors").is_file():
        raise UsageError(
            f"{adapter} has no adapter_model.safetensors; weights of other kinds can run code when "
            "they are loaded and are not read: save it with safe_serialization=True"
        )
    read_object(adapter / "adapter_config.json")  # or the sentence on a file that is garbled
    _widen(model, adapter)
    with quiet():
        try:
            return peft.PeftModel.from_pretrained(model, str(adapter), is_trainable=False)
        except (KeyboardInterrupt, SeedbedError):
            raise
        except BaseException as error:  # anything that a foreign file can do to its readers
            raise _unfit(adapter, said, error) from None


def _unfit(adapter: Path, said: str, error: BaseException) -> UsageError:
    first = " ".join(str(error).split())[:300]
    return UsageError(
        f"the adapter {adapter} does not fit the model {said} ({type(error).__name__}: {first}); "
        "name the model that it was trained on"
    )


def _probe_of(model: Any, adapter: Path, said: str) -> Any:
    """Logits of a fixed row; what an adapter's settings make of it is no bug of ours."""
    try:
        return _probe(model)
    except (KeyboardInterrupt, SeedbedError, MemoryError):
        raise
    except Exception as error:
        raise _unfit(adapter, said, error) from None


def _widen(model: Any, adapter: Path) -> None:
    """Give the model as many token rows as the adapter's own embeddings have, where it has some."""
    rows = int(model.get_input_embeddings().weight.shape[0])
    for name, tensor in tensors_of(adapter).items():
        whole = name.endswith(("embed_tokens.weight", "wte.weight", "embed_in.weight"))
        if whole and "lora_" not in name and len(tensor.shape) == 2 and tensor.shape[0] != rows:
            model.resize_token_embeddings(tensor.shape[0], mean_resizing=False)
            return


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and warnings of others while an adapter is put on, merged or saved: what
    they tell is checked here."""
    bars = require("transformers", "train").utils.logging
    shown = bars.is_progress_bar_enabled()
    # peft imports bitsandbytes where it is installed, which complains of what it could fetch.
    other = logging.getLogger("bitsandbytes")
    level = other.level
    bars.disable_progress_bar()
    other.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        other.setLevel(level)
        if shown:
            bars.enable_progress_bar()


def merged(model: Any, adapter: Path, said: str) -> tuple[Any, float]:
    """(the whole model with the adapter in its weights, greatest difference of its logits).

    The difference is that to base and adapter on a row of tokens, as a share of the greatest logit.
    UsageError for an adapter that cannot be merged, or whose merged weights answer otherwise.
    """
    before = _probe_of(model, adapter, said)
    if not hasattr(model, "merge_and_unload"):
        raise UsageError("an adapter of this type changes no weights and cannot be merged")
    _untie(model)
    with quiet():
        try:
            whole = model.merge_and_unload(safe_merge=True)
        except (AttributeError, ValueError, TypeError, NotImplementedError) as error:
            first = " ".join(str(error).split())[:300]
            raise UsageError(f"the adapter cannot be merged: {first}") from None
    after = _probe(whole)
    difference = float((before - after).abs().max() / before.abs().max().clamp_min(1e-30))
    if not difference <= MERGED:
        raise UsageError(
            f"the merged weights answer otherwise than base and adapter (logits differ by "
            f"{difference:.1e} of the greatest): this adapter cannot be merged exactly"
        )
    return whole, difference


def _probe(model: Any) -> Any:
    """Logits of a fixed row of tokens."""
    torch = require("torch", "train")
    rows = int(model.get_input_embeddings().weight.shape[0])
    weight = next(model.parameters())
    ids = (torch.arange(PROBE, device=weight.device) * 7919 + 11) % rows
    with torch.no_grad():
        return model(input_ids=ids[None], use_cache=False).logits[0].float()


def _untie(model: Any) -> None:
    """Give the output layer weights of its own where it shares those of the embeddings and only one
    of the two was adapted: merging one would change both."""
    torch = require("torch", "train")
    whole = model.get_base_model()
    inner, outer = whole.get_input_embeddings(), whole.get_output_embeddings()
    if outer is None:
        return
    one, other = _plain(inner), _plain(outer)
    shared = getattr(one, "weight", None) is getattr(other, "weight", 0)
    if not shared or not (_adapted(inner) or _adapted(outer)):
        return
    other.weight = torch.nn.Parameter(other.weight.detach().clone(), requires_grad=False)
    for config in {id(c): c for c in (whole.config, whole.config.get_text_config())}.values():
        config.tie_word_embeddings = False


def _plain(module: Any) -> Any:
    """The layer below peft's wrappers."""
    while True:
        if hasattr(module, "get_base_layer"):
            module = module.get_base_layer()
        elif hasattr(module, "original_module"):
            module = module.original_module
        else:
            return module


def _adapted(module: Any) -> bool:
    """Whether a layer has an adapter that is merged into, or put in the place of, its weights.

    Rows of trained tokens are no such thing: peft writes them into both layers of a tied pair.
    """
    names = {type(one).__name__ for one in (module, *getattr(module, "children", list)())}
    return not any("TrainableTokens" in name for name in names) and module is not _plain(module)


def method_of(adapter: Path) -> str:
    """How it was trained, as `summary.json` says; lora for an adapter that says nothing."""
    if is_whole(adapter):
        return "full"
    path = adapter / "summary.json"
    if not path.is_file():
        return "lora"
    try:
        return str(json.loads(path.read_bytes()).get("method", "lora"))
    except (ValueError, AttributeError, RecursionError) as error:
        raise garbled(path, error) from None
