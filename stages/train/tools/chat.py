"""`seedbed chat RUN`: ask what was trained, beside its base.

In a terminal a conversation with both; without one each line of stdin is a question of its own, a
text or a JSON object with `prompt` or `messages`, and each gets its answers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from stages.errors import UsageError
from stages.json_lines import for_programs

if TYPE_CHECKING:
    from stages.train.asked import Pair, Side, Way

ABOUT = "ask a trained model in the terminal, beside its base"
LONGEST = 1 << 20  # bytes of a line of stdin
AGAIN = "/new"


def options(parser: argparse.ArgumentParser) -> None:
    """What the tool takes."""
    from stages.train.tools import options as common

    common.add(parser)
    parser.add_argument("--tokens", type=int, default=256, help="of an answer; default: 256")
    parser.add_argument(
        "--temperature", type=float, default=0.0, help="0 takes the likeliest token each time"
    )
    parser.add_argument("--top-p", type=float, default=1.0, help="share of probability drawn from")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn; default: 0")
    parser.add_argument("--system", help="a system message that goes before the questions")
    parser.add_argument(
        "--json", action="store_true", help="a JSON object a question: prompt, base, trained"
    )


def act(given: argparse.Namespace) -> int:
    """Load, then answer until there is nothing more to read."""
    from stages.train.asked import Way
    from stages.train.tools import options as common

    common.number_in(given.tokens, "tokens", 1, 1 << 20)
    common.number_in(given.temperature, "temperature", 0, 100)
    common.number_in(given.top_p, "top-p", 1e-6, 1)
    common.number_in(given.seed, "seed", 0, (1 << 63) - 1)
    way = Way(given.tokens, given.temperature, given.top_p, given.seed)
    pair = common.opened(given)
    if pair.base is not None and not pair.base.same:
        print("seedbed: chat: these are not the base weights of the training", file=sys.stderr)
    first = [{"role": "system", "content": given.system}] if given.system else []
    if sys.stdin.isatty() and not given.json:
        try:
            _converse(pair, way, first)
        except KeyboardInterrupt:
            print()  # what is said of it begins a line
            raise
    else:
        _answer_lines(pair, way, first, given.json)
    return 0


def _converse(pair: Pair, way: Way, first: list[dict[str, Any]]) -> None:
    """A conversation with each side until the input ends; both hear the same questions."""
    print(f"{AGAIN} begins anew, Ctrl-D ends\n")
    heard: dict[Side, list[dict[str, Any]]] = {side: [*first] for side in pair.sides}
    while True:
        try:
            text = input("you      ").strip()
        except EOFError:
            print()
            return
        if text == AGAIN:
            heard = {side: [*first] for side in pair.sides}
        if text in ("", AGAIN):
            continue
        for side in pair.sides:
            messages = [*heard[side], {"role": "user", "content": text}]
            print(f"{side:<9}", end="", flush=True)
            try:
                ids = pair.ids_of(pair.rendered(messages))
                said = pair.answer(side, ids, way, lambda part: print(part, end="", flush=True))
            except UsageError as error:
                print(f"({error}; {AGAIN} begins anew)")
                continue
            print()
            heard[side] = [*messages, {"role": "assistant", "content": said}]
        print()


def _answer_lines(pair: Pair, way: Way, first: list[dict[str, Any]], as_json: bool) -> None:
    """An answer of each side to every line of stdin."""
    for number, (prompt, messages) in _questions(sys.stdin.buffer.readline):
        try:
            ids = pair.ids_of(pair.rendered([*first, *messages]))
            said = {side: pair.answer(side, ids, way) for side in pair.sides}
        except UsageError as error:
            raise UsageError(f"line {number} of stdin: {error}") from None
        if as_json:
            print(for_programs({"prompt": prompt, **said}), flush=True)
        else:
            shown: list[tuple[str, str]] = [("you", prompt), *said.items()]
            print("".join(f"{name:<9}{text.strip()}\n" for name, text in shown), flush=True)


Question = tuple[str, list[dict[str, Any]]]


def _questions(readline: Callable[[int], bytes]) -> Iterator[tuple[int, Question]]:
    """(line number, (text, messages)) of each line that is not blank."""
    number = 0
    while raw := readline(LONGEST + 1):
        number += 1
        if len(raw) > LONGEST:
            raise UsageError(f"line {number} of stdin is longer than {LONGEST:,} bytes")
        try:
            text = raw.decode().strip()
        except UnicodeDecodeError as error:
            raise UsageError(f"line {number} of stdin is no UTF-8 ({error.reason})") from None
        if text:
            yield number, _question(text, number)


def _question(text: str, number: int) -> Question:
    """A line as a question: a text, or a JSON object with prompt or messages."""
    if not text.startswith("{"):
        return text, [{"role": "user", "content": text}]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, Mapping):
        prompt, messages = value.get("prompt"), value.get("messages")
        if isinstance(prompt, str):
            return prompt, [{"role": "user", "content": prompt}]
        if isinstance(messages, list) and messages and all(map(_is_message, messages)):
            return messages[-1]["content"], messages
    raise UsageError(
        f"line {number} of stdin begins like JSON and is no object with prompt (text) or messages "
        "(a list of role and content)"
    )


def _is_message(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("role"), str)
        and isinstance(value.get("content"), str)
    )
