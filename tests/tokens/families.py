# ruff: noqa: E501 (templates are one line each)
"""Small tokenizer folders of the families in use, with templates written in their manner."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

TEXTS = [
    "Peas are sown in rows, 3 cm deep, as soon as the soil is dry.",
    "When does the garden open? At ten, and it closes at dusk.",
    "user assistant system tool rain gauge think answer",
    "café naïve über grün 雨 です 你好",
    "for row in beds:\n    water(row)\n\n1. Dig\n2. Sow\n",
    '{"name": "rain", "arguments": {"bed": "north"}}',
] * 20

ALTERNATING = (
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('user and assistant take turns') }}{% endif %}"
)
FIRST = (
    "{% set first = messages[0].content if messages[0].role == 'system' else '' %}"
    "{% set turns = messages[1:] if messages[0].role == 'system' else messages %}"
)
SAID, TRIMMED = "{{ m.content }}", "{{ m.content | trim }}"
BOS, EOS = "{{ bos_token }}", "{{ eos_token }}"
NL = "{{ '\\n' }}"  # a new line that no block takes away


def turns(
    *,
    head: str = "",
    system: str = "",
    user: str,
    answer: str,
    last: str = "",
    asks: str = "",
    each: str = "",
    over: str = "messages",
) -> str:
    """A template that goes through messages: what stands for one of the system's, of the user's,
    an answer (the last one), and what asks for the next."""
    final = f"{{% if loop.last %}}{last}{{% else %}}{answer}{{% endif %}}" if last else answer
    other = f"{{% elif m.role == 'system' %}}{system}" if system else ""
    return (
        f"{head}{{% for m in {over} %}}{each}"
        f"{{% if m.role == 'user' %}}{user}{{% elif m.role == 'assistant' %}}{final}{other}"
        f"{{% endif %}}{{% endfor %}}{{% if add_generation_prompt %}}{asks}{{% endif %}}"
    )


def _chatml(role: str) -> str:
    return f"<|im_start|>{role}\n{SAID}<|im_end|>{NL}"


def _llama3(role: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>{NL}{NL}"


CALLS = (
    "{% for c in m.tool_calls or [] %}"
    + NL
    + "<tool_call>"
    + NL
    + '{"name": "{{ c.function.name }}"'
    ', "arguments": {{ c.function.arguments | tojson }}}' + NL + "</tool_call>{% endfor %}"
)
RESULTS = (
    "{% if m.role == 'tool' %}{% if turns[loop.index0 - 1].role != 'tool' %}<|im_start|>user"
    "{% endif %}" + NL + "<tool_response>" + NL + SAID + NL + "</tool_response>"
    "{% if loop.last or turns[loop.index0 + 1].role != 'tool' %}<|im_end|>" + NL + "{% endif %}"
    "{% endif %}"
)
ASKS = "<|im_start|>assistant" + NL
TEMPLATES: dict[str, str] = {
    "chatml": "{% for m in messages %}"
    + _chatml("{{ m.role }}")
    + "{% endfor %}{% if add_generation_prompt %}"
    + ASKS
    + "{% endif %}",
    "smollm3_gen": turns(
        system=_chatml("system"),
        user=_chatml("user"),
        answer=ASKS + "{% generation %}" + SAID + "<|im_end|>{% endgeneration %}" + NL,
        asks=ASKS,
    ),
    "qwen25": FIRST
    + turns(
        head="<|im_start|>system"
        + NL
        + "{{ first or 'You are Fern, a gardener.' }}{% if tools %}"
        + NL
        + NL
        + "# Tools{% for t in tools %}"
        + NL
        + "{{ t | tojson }}{% endfor %}{% endif %}"
        "<|im_end|>" + NL,
        each=RESULTS,
        system=_chatml("system"),
        user=_chatml("user"),
        answer="<|im_start|>assistant{% if m.content %}"
        + NL
        + SAID
        + "{% endif %}"
        + CALLS
        + "<|im_end|>"
        + NL,
        asks=ASKS,
        over="turns",
    ),
    # Reasoning of answers before the last question goes; the last answer always shows a block.
    "qwen3": "{% set turns = messages %}{% set at = namespace(asked=0) %}"
    "{% for m in messages %}{% if m.role == 'user' %}"
    "{% set at.asked = loop.index0 %}{% endif %}{% endfor %}"
    + turns(
        each=RESULTS,
        system=_chatml("system"),
        user=_chatml("user"),
        answer="{% set said = m.content or '' %}{% set why = m.reasoning_content or '' %}"
        "{% if not why and '</think>' in said %}"
        "{% set why = said.split('</think>')[0].split('<think>')[-1].strip('\\n') %}"
        "{% set said = said.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
        + ASKS
        + "{% if loop.index0 > at.asked and (loop.last or why) %}<think>"
        + NL
        + "{{ why }}"
        + NL
        + "</think>"
        + NL
        + NL
        + "{{ said.lstrip('\\n') }}{% else %}{{ said }}{% endif %}"
        + CALLS.replace(NL, "{% if said or not loop.first %}" + NL + "{% endif %}", 1)
        + "<|im_end|>"
        + NL,
        asks=ASKS,
    ),
    "llama3": BOS
    + "{% for m in messages %}"
    + _llama3("{{ m.role }}")
    + TRIMMED
    + "<|eot_id|>{% endfor %}{% if add_generation_prompt %}"
    + _llama3("assistant")
    + "{% endif %}",
    "llama31": FIRST
    + turns(
        head=BOS
        + _llama3("system")
        + "Cutting Knowledge Date: December 2023"
        + NL
        + "Today Date: {{ strftime_now('%d %b %Y') }}"
        + NL
        + NL
        + "{{ first | trim }}<|eot_id|>",
        each="{% if m.role == 'tool' %}"
        + _llama3("ipython")
        + "{{ m.content | tojson }}<|eot_id|>{% endif %}",
        user=_llama3("user") + TRIMMED + "<|eot_id|>",
        answer=_llama3("assistant") + "{% if m.tool_calls %}{% set f = m.tool_calls[0].function %}"
        '{"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}'
        "{% else %}{{ m.content | trim }}{% endif %}<|eot_id|>",
        asks=_llama3("assistant"),
        over="turns",
    ),
    "llama2": FIRST
    + turns(
        each=ALTERNATING,
        user=BOS
        + "[INST] {% if loop.first and first %}<<SYS>>"
        + NL
        + "{{ first }}"
        + NL
        + "<</SYS>>"
        + NL
        + NL
        + "{% endif %}{{ m.content.strip() }} [/INST]",
        answer=" {{ m.content.strip() }} " + EOS,
        over="turns",
    ),
    "mistral1": turns(
        head=BOS, each=ALTERNATING, user="[INST] " + SAID + " [/INST]", answer=SAID + EOS
    ),
    # The system text belongs to the last question, of which an answered one is none.
    "mistral3": FIRST
    + turns(
        head=BOS,
        user="[INST] {% if loop.last and first %}{{ first }}"
        + NL
        + NL
        + "{% endif %}"
        + SAID
        + "[/INST]",
        answer=" " + TRIMMED + EOS,
        over="turns",
    ),
    "mistral7": turns(
        head=BOS,
        system="[SYSTEM_PROMPT]" + SAID + "[/SYSTEM_PROMPT]",
        user="[INST]" + SAID + "[/INST]",
        answer=SAID + EOS,
    ),
    "gemma2": turns(
        head=BOS,
        each=ALTERNATING,
        user="<start_of_turn>user" + NL + TRIMMED + "<end_of_turn>" + NL,
        answer="<start_of_turn>model" + NL + TRIMMED + "<end_of_turn>" + NL,
        asks="<start_of_turn>model" + NL,
    ),
    "gemma3": FIRST
    + turns(
        head=BOS,
        each=ALTERNATING,
        user="<start_of_turn>user"
        + NL
        + "{% if loop.first and first %}{{ first }}"
        + NL
        + NL
        + "{% endif %}"
        + TRIMMED
        + "<end_of_turn>"
        + NL,
        answer="<start_of_turn>model" + NL + TRIMMED + "<end_of_turn>" + NL,
        asks="<start_of_turn>model" + NL,
        over="turns",
    ),
    "phi3": turns(
        system="<|system|>" + NL + SAID + "<|end|>" + NL,
        user="<|user|>" + NL + SAID + "<|end|>" + NL,
        answer="<|assistant|>" + NL + SAID + "<|end|>" + NL,
        asks="<|assistant|>" + NL + "{% else %}" + EOS,
    ),
    "phi4": turns(
        system="<|im_start|>system<|im_sep|>" + SAID + "<|im_end|>",
        user="<|im_start|>user<|im_sep|>" + SAID + "<|im_end|>",
        answer="<|im_start|>assistant<|im_sep|>" + SAID + "<|im_end|>",
        asks="<|im_start|>assistant<|im_sep|>",
    ),
    "zephyr": turns(
        system="<|system|>" + NL + SAID + EOS + NL,
        user="<|user|>" + NL + SAID + EOS + NL,
        answer="<|assistant|>" + NL + SAID + EOS + NL,
        asks="<|assistant|>" + NL,
    ),
    "deepseek_v2": turns(
        head=BOS,
        system=SAID + NL + NL,
        user="User: " + SAID + NL + NL,
        answer="Assistant: " + SAID + EOS,
        asks="Assistant:",
    ),
    "deepseek_r1": turns(
        head=BOS + "{% for m in messages if m.role == 'system' %}" + SAID + "{% endfor %}",
        user="<｜User｜>" + SAID,
        answer="<｜Assistant｜>{{ m.content.split('</think>')[-1] }}" + EOS,
        asks="<｜Assistant｜><think>" + NL,
    ),
    "commandr": turns(
        head=BOS,
        system="<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>" + SAID + "<|END_OF_TURN_TOKEN|>",
        user="<|START_OF_TURN_TOKEN|><|USER_TOKEN|>" + TRIMMED + "<|END_OF_TURN_TOKEN|>",
        answer="<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>" + TRIMMED + "<|END_OF_TURN_TOKEN|>",
        asks="<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    ),
    "olmo": turns(
        head=EOS,
        user="<|user|>" + NL + SAID + NL,
        answer="<|assistant|>" + NL + SAID + EOS + NL,
        last="<|assistant|>" + NL + SAID + EOS,
        asks="<|assistant|>" + NL,
    ),
    "glm4": turns(
        head="[gMASK]<sop>",
        system="<|system|>" + NL + SAID,
        user="<|user|>" + NL + SAID,
        answer="<|assistant|>" + NL + SAID,
        asks="<|assistant|>" + NL,
    ),
    "vicuna": turns(
        system="{{ m.content.strip() }}" + NL + NL,
        user="USER: {{ m.content.strip() }} ",
        answer="ASSISTANT: {{ m.content.strip() }}" + EOS + NL,
        asks="ASSISTANT:",
    ),
    "alpaca": turns(
        system=SAID + NL + NL,
        user="### Instruction:" + NL + "{{ m.content.strip() }}" + NL + NL,
        answer="### Response:" + NL + "{{ m.content.strip() }}" + EOS + NL + NL,
        asks="### Response:" + NL,
    ),
    "metharme": turns(
        system="<|system|>" + SAID,
        user="<|user|>" + SAID,
        answer="<|model|>" + SAID + EOS,
        asks="<|model|>",
    ),
    "noend": "{% for m in messages %}{{ m.role | capitalize }}: " + SAID + NL + "{% endfor %}"
    "{% if add_generation_prompt %}Assistant: {% endif %}",
}
TEMPLATES[
    "granite"
] = """{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}{%- set loop_messages = messages[1:] %}
{%- else %}{%- set system_message = "Knowledge Cutoff Date: April 2024.\nToday's Date: " + strftime_now('%B %d, %Y') + ".\nYou are Fern." %}{%- set loop_messages = messages %}{%- endif %}
{{- '<|start_of_role|>system<|end_of_role|>' + system_message + '<|end_of_text|>\n' }}
{%- if tools %}{{- '<|start_of_role|>tools<|end_of_role|>' }}{{- tools | tojson(indent=4) }}{{- '<|end_of_text|>\n' }}{%- endif %}
{%- for message in loop_messages %}
{{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] + '<|end_of_text|>\n' }}
{%- endfor %}{%- if add_generation_prompt %}{{- '<|start_of_role|>assistant<|end_of_role|>' }}{%- endif %}"""
TEMPLATES[
    "smollm3"
] = """{%- if enable_thinking is not defined %}{%- set enable_thinking = true %}{%- endif %}
{%- set ns = namespace(mode="/think" if enable_thinking else "/no_think", own="") %}
{%- if messages[0].role == "system" %}{%- set ns.own = messages[0].content.replace("/no_think", "").replace("/think", "").rstrip() %}{%- if "/no_think" in messages[0].content %}{%- set ns.mode = "/no_think" %}{%- endif %}{%- endif %}
{{- "<|im_start|>system\n## Metadata\n\nToday Date: " ~ strftime_now("%d %B %Y") ~ "\nReasoning Mode: " ~ ns.mode ~ "\n\n## Custom Instructions\n\n" }}
{%- if ns.own %}{{- ns.own }}{%- else %}{{- "You are Fern, a gardener." }}{%- endif %}{{- "\n\n<|im_end|>\n" }}
{%- for message in messages %}
{%- if message.role == "user" %}{{ "<|im_start|>user\n" + message.content + "<|im_end|>\n" }}
{%- elif message.role == "assistant" %}{% generation %}{%- if ns.mode == "/think" %}{{ "<|im_start|>assistant\n" + message.content.lstrip("\n") + "<|im_end|>\n" }}{%- else %}{{ "<|im_start|>assistant\n<think>\n\n</think>\n" + message.content.lstrip("\n") + "<|im_end|>\n" }}{%- endif %}{% endgeneration %}
{%- elif message.role == "tool" %}{{ "<|im_start|>user\n" + message.content + "<|im_end|>\n" }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{%- if ns.mode == "/think" %}{{ "<|im_start|>assistant\n" }}{%- else %}{{ "<|im_start|>assistant\n<think>\n\n</think>\n" }}{%- endif %}{%- endif %}"""
TEMPLATES[
    "glm45"
] = """[gMASK]<sop>{%- set ns = namespace(last=-1) %}{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}
{%- for m in messages %}{%- if m.role == 'user' %}<|user|>
{{ m.content }}
{%- elif m.role == 'assistant' %}<|assistant|>
{%- set content = m.content or '' %}{%- set reasoning = '' %}{%- if m.reasoning_content is string %}{%- set reasoning = m.reasoning_content %}{%- elif '</think>' in content %}{%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}{%- set content = content.split('</think>')[-1].lstrip('\n') %}{%- endif %}
{%- if loop.index0 > ns.last and reasoning %}{{ '\n<think>' + reasoning.strip() + '</think>' }}{%- else %}{{ '\n<think></think>' }}{%- endif %}
{%- if content.strip() %}{{ '\n' + content.strip() }}{%- endif %}
{%- for tc in m.tool_calls or [] %}{%- set f = tc.function or tc %}{{ '\n<tool_call>' + f.name }}
{% for k, v in f.arguments.items() %}<arg_key>{{ k }}</arg_key>
<arg_value>{{ v | tojson if v is not string else v }}</arg_value>
{% endfor %}</tool_call>{%- endfor %}
{%- elif m.role == 'tool' %}<|observation|>
<tool_response>
{{ m.content }}
</tool_response>{%- elif m.role == 'system' %}<|system|>
{{ m.content }}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}<|assistant|>{%- endif %}"""
TEMPLATES[
    "gptoss"
] = """{{- "<|start|>system<|message|>You are Fern.\nCurrent date: " + strftime_now("%Y-%m-%d") + "\nReasoning: medium<|end|>" }}
{%- if messages[0].role in ["developer", "system"] %}{%- set developer = messages[0].content %}{%- set loop_messages = messages[1:] %}{%- else %}{%- set developer = "" %}{%- set loop_messages = messages %}{%- endif %}
{%- if developer or tools %}{{- "<|start|>developer<|message|>" }}{%- if developer %}{{- "# Instructions\n\n" + developer }}{%- endif %}
{%- if tools %}{{- "\n\n# Tools\n\nnamespace functions {\n" }}{%- for tool in tools %}{{- "type " + tool.function.name + " = () => any;\n" }}{%- endfor %}{{- "}" }}{%- endif %}{{- "<|end|>" }}{%- endif %}
{%- set ns = namespace(called=none) %}
{%- for message in loop_messages %}
{%- if message.role == 'assistant' %}
{%- if message.tool_calls %}{%- if message.thinking %}{{- "<|start|>assistant<|channel|>analysis<|message|>" + message.thinking + "<|end|>" }}{%- endif %}
{%- set call = message.tool_calls[0].function %}{{- "<|start|>assistant to=functions." + call.name + "<|channel|>commentary json<|message|>" }}{{- call.arguments | tojson }}{{- "<|call|>" }}{%- set ns.called = call.name %}
{%- elif loop.last and not add_generation_prompt %}{%- if message.thinking %}{{- "<|start|>assistant<|channel|>analysis<|message|>" + message.thinking + "<|end|>" }}{%- endif %}{{- "<|start|>assistant<|channel|>final<|message|>" + message.content + "<|return|>" }}
{%- else %}{{- "<|start|>assistant<|channel|>final<|message|>" + message.content + "<|end|>" }}{%- endif %}
{%- elif message.role == 'tool' %}{%- if ns.called is none %}{{- raise_exception("a tool without a call") }}{%- endif %}{{- "<|start|>functions." + ns.called + " to=assistant<|channel|>commentary<|message|>" + message.content | tojson + "<|end|>" }}
{%- elif message.role == 'user' %}{{- "<|start|>user<|message|>" + message.content + "<|end|>" }}{%- endif %}
{%- endfor %}{%- if add_generation_prompt %}{{- "<|start|>assistant" }}{%- endif %}"""


class Family(NamedTuple):
    """What a folder is made of. special: control tokens, `name` or (name, flags). system: whether
    the template takes a system message. calls: whether it shows calls of tools."""

    kind: str  # bytes, spm (a blank before each piece), metaspace, gemma
    special: tuple[Any, ...]
    eos: str
    bos: str | None = None
    words: tuple[str, ...] = ()  # added tokens that are no control tokens
    system: bool = True
    calls: bool = False


_IM = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_L3 = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
)
_DS = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>")
_CR = (
    "<BOS_TOKEN>",
    "<EOS_TOKEN>",
    "<|START_OF_TURN_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|USER_TOKEN|>",
    "<|CHATBOT_TOKEN|>",
    "<|SYSTEM_TOKEN|>",
)
_GLM = (
    "<|endoftext|>",
    "[gMASK]",
    "<sop>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
)
_OSS = (
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|channel|>",
    "<|return|>",
    "<|call|>",
    "<|endoftext|>",
)
_THINK = ("<tool_call>", "</tool_call>", "<think>", "</think>")
_INST = (
    "[INST]",
    "[/INST]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
)
_PHI3 = tuple(
    (name, "r") for name in ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")
)
_PHI4 = ("<|endoftext|>", ("<|im_start|>", "lr"), ("<|im_end|>", "lr"), ("<|im_sep|>", "lr"))

FAMILIES = {
    "chatml": Family("bytes", _IM, "<|im_end|>"),
    "qwen25": Family("bytes-nfc", _IM, "<|im_end|>", words=_THINK[:2], calls=True),
    "qwen3": Family("bytes-nfc", _IM, "<|im_end|>", words=_THINK, calls=True),
    "llama3": Family("bytes", _L3, "<|eot_id|>", "<|begin_of_text|>"),
    "llama31": Family("bytes", _L3, "<|eot_id|>", "<|begin_of_text|>", calls=True),
    "llama2": Family("spm", (), "</s>", "<s>"),
    "mistral1": Family("spm", (), "</s>", "<s>", system=False),
    "mistral3": Family("metaspace", _INST, "</s>", "<s>", system=False),
    "mistral7": Family("bytes", ("<s>", "</s>", *_INST), "</s>", "<s>"),
    "gemma2": Family("gemma", ("<start_of_turn>", "<end_of_turn>"), "<eos>", "<bos>", system=False),
    "gemma3": Family("gemma", ("<start_of_turn>", "<end_of_turn>"), "<eos>", "<bos>"),
    "phi3": Family("spm", _PHI3, "<|endoftext|>", "<s>"),
    "phi4": Family("bytes", _PHI4, "<|im_end|>", "<|endoftext|>"),
    "zephyr": Family("spm", (), "</s>", "<s>"),
    "deepseek_v2": Family("bytes", _DS, _DS[1], _DS[0]),
    "deepseek_r1": Family("bytes", _DS, _DS[1], _DS[0], words=_THINK[2:]),
    "commandr": Family("bytes-nfc", _CR, _CR[3], _CR[0]),
    "olmo": Family("bytes", _IM[:1], "<|endoftext|>", system=False),
    "glm4": Family("bytes", _GLM, "<|endoftext|>"),
    "glm45": Family("bytes", _GLM, "<|endoftext|>", words=_THINK, calls=True),
    "granite": Family("bytes", ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"), "<|end_of_text|>"),
    "smollm3": Family("bytes", _IM, "<|im_end|>", words=_THINK[2:]),
    "smollm3_gen": Family("bytes", _IM, "<|im_end|>"),
    "gptoss": Family("bytes", _OSS, "<|return|>", calls=True),
    "vicuna": Family("spm", (), "</s>", "<s>"),
    "alpaca": Family("bytes", _IM[:1], "<|endoftext|>"),
    "metharme": Family("bytes", ("<|endoftext|>", "<|system|>", "<|user|>", "<|model|>"), "<|endoftext|>"),
    "noend": Family("bytes", ("</s>",), "</s>"),
}  # fmt: skip


@cache
def _layout(kind: str) -> str:
    """The tokenizer of a kind, without control tokens of its own but those in its vocabulary."""
    if kind.startswith("bytes"):
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        if kind == "bytes-nfc":
            made.normalizer = normalizers.NFC()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        made.train_from_iterator(
            TEXTS,
            trainers.BpeTrainer(vocab_size=450, initial_alphabet=alphabet, show_progress=False),
        )
        return str(made.to_str())
    first = ["<pad>", "<eos>", "<bos>", "<unk>"] if kind == "gemma" else ["<unk>", "<s>", "</s>"]
    made = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Split("\u0000", "isolated")
    words = ["▁" + word for text in TEXTS for word in text.replace("\n", " \n ").split(" ")]
    special = [*first, *(f"<0x{n:02X}>" for n in range(256))]
    made.train_from_iterator(
        words, trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    )
    layout = json.loads(made.to_str())
    layout["added_tokens"] = [
        {**token, "normalized": False, "special": True}
        for token in layout["added_tokens"]
        if token["content"] in first
    ]
    prepend = [{"type": "Prepend", "prepend": "▁"}] if kind == "spm" else []
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    layout["normalizer"] = {"type": "Sequence", "normalizers": [*prepend, replace]}
    layout["pre_tokenizer"] = None
    back = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if kind == "metaspace":
        layout["normalizer"] = None
        layout["pre_tokenizer"] = {
            "type": "Metaspace",
            "replacement": "▁",
            "prepend_scheme": "first",
            "split": False,
        }
    if kind != "gemma":
        back.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    layout["decoder"] = {"type": "Sequence", "decoders": back}
    return json.dumps(layout)


def folder(root: Path, name: str) -> Path:
    """The folder of a family; made when it is not there."""
    path = root / name
    if path.is_dir():
        return path
    path.mkdir(parents=True)
    family = FAMILIES[name]
    made = Tokenizer.from_str(_layout(family.kind))
    for one in family.special:
        text, flags = (one, "") if isinstance(one, str) else one
        made.add_special_tokens(
            [
                AddedToken(
                    text, special=True, normalized=False, lstrip="l" in flags, rstrip="r" in flags
                )
            ]
        )
    made.add_tokens([AddedToken(word, special=False, normalized=False) for word in family.words])
    if family.bos is not None:
        made.post_processor = processors.TemplateProcessing(
            single=f"{family.bos} $A",
            pair=None,
            special_tokens=[(family.bos, made.token_to_id(family.bos))],
        )
    made.save(str(path / "tokenizer.json"))
    tokens = {"eos_token": family.eos, **({"bos_token": family.bos} if family.bos else {})}
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATES[name],
        **tokens,
    }
    (path / "tokenizer_config.json").write_text(json.dumps(told, ensure_ascii=False))
    return path
