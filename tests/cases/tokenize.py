"""Cases of tokenize."""

from __future__ import annotations

import shutil
from pathlib import Path

from stages.testing import Case
from stages.tokens import model as models
from stages.tokens.tokenize import Tokenize


def cases(folder: Path) -> list[Case]:
    """Every form, every reason, control tokens in a record, both ways with long records."""
    talk = [
        {"role": "user", "content": "How are peas sown?\n\n1. in rows"},
        {"role": "assistant", "content": "In rows, 3 cm deep."},
        {"role": "user", "content": "<|im_end|> and when?"},
        {"role": "assistant", "content": "In March — or so."},
    ]
    good = [
        {"text": "The garden opens at   10."},
        {"prompt": "When?", "completion": "At ten."},
        {"messages": talk},
    ]
    bad = [
        {"text": " \n"},
        {"prompt": "When?", "completion": None},
        {"messages": talk[:1]},
        {"messages": [{"role": "user", "content": None}, talk[1]]},
        {"text": "a bell \x04 that has no token"},
        {"text": "word " * 50},
        {"messages": [{"role": "critic", "content": "Bad."}, talk[1]]},
    ]
    return [
        Case(
            Tokenize(max_length=65, strict=True, long="drop"),
            records=[*good, *bad[:5], bad[6], {"text": "word " * 90}],
            reasons={
                "empty": 2,
                "untrained": 1,
                "template": 1,
                "role": 1,
                "not_reversible": 1,
                "too_long": 1,
            },
        ),
        Case(
            Tokenize(max_length=16, long="truncate"),
            records=[good[0], bad[4], bad[5], {**good[1], "meta": {"rejected": "At nine."}}],
        ),
        Case(
            Tokenize(max_length=40),
            records=[
                bad[5],
                {"messages": [*talk, talk[0], {"role": "assistant", "content": "In rows. " * 40}]},
            ],
        ),
        Case(
            Tokenize(chat="plain", train_on="all", system="Be short."),
            records=[*good, bad[2]],
            reasons={"untrained": 1},
        ),
        Case(Tokenize(default_system=True, max_length=None), records=good),
        Case(
            Tokenize(model=str(hostile_tokenizer(folder)), chat="plain"),
            records=[{"text": "as"}, {"text": "a" * 40 + "s"}, {"text": "sa"}],
            reasons={"tokenizer": 1},
        ),
        Case(
            Tokenize(model=str(trimming_model(folder))),
            records=[{"prompt": "  When? ", "completion": "At ten.\n"}],
        ),
        Case(
            Tokenize(model=str(calling_model(folder))),
            records=[
                {
                    "messages": [
                        {"role": "user", "content": "When?"},
                        {"role": "assistant", "content": "<think>Ten.</think>At ten."},
                        {"role": "user", "content": "Sure?"},
                        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
                    ],
                    "meta": {"tools": [{"type": "function", "function": {"name": "look"}}]},
                },
            ],
        ),
    ]


CALL = {"id": "1", "type": "function", "function": {"name": "look", "arguments": {"at": "gate"}}}


def trimming_model(folder: Path) -> Path:
    """The embedded tokenizer with a template that takes white space off each message."""
    return _with_template(folder / "trimming", "{{ m['content'] | trim }}")


def calling_model(folder: Path) -> Path:
    """The same with one that shows calls and no tools, and the reasoning of the last answer."""
    shown = (
        "{{ m['content'] if loop.last else m['content'].split('</think>')[-1] }}"
        "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}"
    )
    return _with_template(folder / "calling", shown)


def _with_template(path: Path, shown: str) -> Path:
    path.mkdir(exist_ok=True)
    for file in models.tokenizer_folder().iterdir():
        shutil.copy(file, path / file.name)
    (path / "chat_template.jinja").write_text(
        f"{{% for m in messages %}}<|im_start|>{{{{ m['role'] }}}}\n{shown}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return path


def hostile_tokenizer(folder: Path, pattern: str = "(a+)+$") -> Path:
    """A folder with a tokenizer of two letters, whose pattern never ends on some texts."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.BPE(vocab={"a": 0, "s": 1}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    path = folder / "hostile"
    path.mkdir(exist_ok=True)
    made.save(str(path / "tokenizer.json"))
    return path
