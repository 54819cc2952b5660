"""A small model that can be asked: two layers, a byte-level tokenizer, a chat template."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONTROL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
TEXTS = ["When are the beans sown? In May, when the soil is warm.", "How deep? 3 cm deep."] * 9


def tokenizer_files(path: Path, digits: bool = True) -> None:
    """tokenizer.json, its configuration and a template. digits: each is a token of its own."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    steps = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*steps, bytes_]) if steps else bytes_
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=letters, show_progress=False,
        special_tokens=[AddedToken(text, special=True) for text in CONTROL],
    )  # fmt: skip
    tokenizer.train_from_iterator(TEXTS, trainer)
    path.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"}
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    (path / "chat_template.jinja").write_text(TEMPLATE)


def talking_model(path: Path, dtype: str = "float32", seed: int = 1, **change: Any) -> Path:
    """A folder with model, tokenizer and template; made once."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    if not path.exists():
        tokenizer_files(path)
        torch.manual_seed(seed)
        shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
        given = {"vocab_size": 304, **shape, **heads, "eos_token_id": 0, "bos_token_id": None}
        config = LlamaConfig(**{**given, **change})
        model = LlamaForCausalLM(config).to(getattr(torch, dtype))
        with torch.no_grad():
            for value in model.parameters():
                value.normal_(1.0 if value.ndim == 1 else 0.0, 0.2)
        model.save_pretrained(path)
    return path


def recipe_of(folder: Path, model: Path, rows: int, train: str, more: str = "") -> Path:
    """A recipe `t` that trains `model` on so many questions and answers. train: parameters of the
    step, as YAML. more: steps behind it."""
    asked = [{"prompt": f"How deep is bed {n}?", "completion": f"{n} cm."} for n in range(rows)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    path = folder / "t.yaml"
    path.write_text(
        "version: 1\nname: t\nsources: [{jsonl: {path: a.jsonl}}]\nsteps:\n"
        f"  - split: {{val: 4}}\n  - tokenize: {{model: {model}}}\n"
        f"  - train: {{threads: 1, device: cpu, samples: 0, {train}}}\n{more}"
    )
    return path


def adapter_beside(base: Path, out: Path, seed: int = 2, **setting: Any) -> Path:
    """An adapter of peft on a base, with numbers that change the answers; `base.json` with it."""
    import peft
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM

    from stages.train import bases

    torch.manual_seed(seed)
    given = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]}
    config = peft.LoraConfig(task_type="CAUSAL_LM", **{**given, **setting})
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = peft.get_peft_model(model, config)
    with torch.no_grad():
        for _, value in sorted(model.named_parameters()):
            if value.requires_grad:
                value.add_(torch.randn_like(value) * 0.1)
    model.save_pretrained(out, save_embedding_layers=False)
    state = load_file(out / "adapter_model.safetensors")
    save_file(dict(sorted(state.items())), out / "adapter_model.safetensors", {"format": "pt"})
    bases.write(str(base), base, out)
    return out


def called(*words: str | Path, cwd: Path, code: int = 0, given: bytes = b"") -> tuple[str, str]:
    """What a command says to stdout and stderr, run in this process, which has torch already.

    given: its stdin.
    """
    from pipeline import cli

    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    stdin = io.TextIOWrapper(io.BytesIO(given))
    os.chdir(cwd)
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch("sys.stdin", stdin),
        ):
            found = cli.command([str(word) for word in words])
    finally:
        os.chdir(before)
    assert found == code and "Traceback" not in err.getvalue(), (found, err.getvalue())
    return out.getvalue(), err.getvalue()
