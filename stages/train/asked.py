"""A trained model beside its base, to be asked: loaded once, with the tokenizer and the template
that lie in the adapter's folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stages.errors import UsageError
from stages.require import require
from stages.train import bases, trained
from stages.train import model as models

if TYPE_CHECKING:
    from stages.tokens.chat import Chat
    from stages.tokens.encode import Encoder

Side = Literal["base", "trained"]
SIDES: tuple[Side, ...] = ("base", "trained")


@dataclass(frozen=True)
class Way:
    """How answers are drawn.

    tokens: of an answer, at most. temperature: 0 takes the likeliest token each time. top_p: the
    least set of tokens of this probability is drawn from. seed: of the draw.
    """

    tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


class Pair:
    """A trained model and its base.

    adapter: folder of an adapter or of a model that was trained whole. said: what the base is, when
    it is not what the adapter says. device, precision: as in training. base: whether the base is
    asked, too.
    """

    def __init__(
        self,
        adapter: Path,
        said: str | None = None,
        device: models.Device = "auto",
        precision: models.Precision = "auto",
        base: bool = True,
    ) -> None:
        models.set_threads(os.cpu_count() or 1)
        self.device = models.device_of(device)
        self.precision = models.precision_of(precision, self.device)
        self.whole = bases.is_whole(adapter)
        found = bases.find(adapter, said) if base or not self.whole else None
        self.base = found
        self.sides: tuple[Side, ...] = SIDES if base else ("trained",)
        on = None if self.whole else found
        with trained.quiet():
            self._trained = trained.load(adapter, on, self.precision, self.device)
            self._base = None
            if self.whole and found is not None:
                self._base = models.load_base(found.folder, "lora", self.precision, self.device)
        own = (adapter / "tokenizer.json").is_file()
        self._words = adapter if own or found is None else found.folder
        self.encoder, self.chat = self._loaded()
        self.context = _context_of(self._trained.config)

    def _loaded(self) -> tuple[Encoder, Chat | None]:
        from stages.tokens.chat import load_chat
        from stages.tokens.encode import Encoder
        from stages.tokens.model import load_tokenizer

        if not (self._words / "tokenizer.json").is_file():
            raise UsageError(f"{self._words} has no tokenizer.json to read a question with")
        encoder = Encoder(load_tokenizer(str(self._words)), str(self._words))
        return encoder, load_chat(str(self._words), encoder.special, True)

    @contextlib.contextmanager
    def of(self, side: Side) -> Iterator[Any]:
        """The model of a side, to be used within."""
        if side == "trained":
            yield self._trained
        elif self._base is not None:
            yield self._base
        else:
            with self._trained.disable_adapter():
                yield self._trained

    def rendered(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The text that asks for the next answer; without a template the messages' own text."""
        from stages.tokens.left_out import TemplateError

        if self.chat is None:
            return "\n\n".join(str(message["content"]) for message in messages)
        shown = [{**message} for message in messages]
        try:
            with self.chat.limited():
                return self.chat.render(shown, True)
        except TemplateError as error:
            raise UsageError(f"the chat template does not render this: {error}") from None

    def ids_of(self, text: str) -> list[int]:
        """The tokens of a rendered text, control tokens and what the tokenizer puts first."""
        found = self.encoder.rendered(text)
        before = [] if self.chat is not None else list(self.encoder.before)
        return before + found

    def answer(
        self, side: Side, ids: Sequence[int], way: Way, say: Callable[[str], None] | None = None
    ) -> str:
        """The text that a side goes on with. say: called with each part as it comes. UsageError
        when the question is longer than the model reads."""
        if self.context is not None and len(ids) + 1 > self.context:
            raise UsageError(
                f"the question has {len(ids):,} tokens, and the model reads {self.context:,}"
            )
        torch = require("torch", "train")
        torch.manual_seed(way.seed)
        room = way.tokens if self.context is None else min(way.tokens, self.context - len(ids))
        prompt = torch.tensor([list(ids)], device=self.device)
        streamer = _Streamer(self.encoder.text, self.encoder.special, say)
        with self.of(side) as model, torch.no_grad(), trained.quiet():
            half = self.precision == "bf16"
            with torch.autocast(self.device, torch.bfloat16, enabled=half):
                model.generate(
                    input_ids=prompt,
                    attention_mask=torch.ones_like(prompt),
                    generation_config=self._drawn(model, way, room),
                    streamer=streamer,
                )
        return streamer.text

    def _drawn(self, model: Any, way: Way, room: int) -> Any:
        """The way of drawing, whatever the model's own configuration asks for."""
        own = getattr(model.generation_config, "eos_token_id", None)
        ends = {*(own if isinstance(own, list) else [own])} - {None}
        ends |= {self.encoder.special[token] for token in self._ends()}
        return require("transformers", "train").GenerationConfig(
            do_sample=way.temperature > 0,
            temperature=way.temperature if way.temperature > 0 else None,
            top_p=way.top_p if way.temperature > 0 else None,
            max_new_tokens=room,
            eos_token_id=sorted(ends) or None,
            pad_token_id=min(ends, default=0),
            use_cache=True,
        )

    def _ends(self) -> list[str]:
        """The token that the tokenizer ends a text with."""
        from stages.tokens.chat import special_variables

        said = special_variables(self._words).get("eos_token")
        return [said] if said is not None and said in self.encoder.special else []


class _Streamer:
    """What transformers' `generate` hands each new token to: text as it comes."""

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        special: Mapping[str, int],
        say: Callable[[str], None] | None,
    ) -> None:
        self._decode, self._special, self._say = decode, {*special.values()}, say
        self._ids: list[int] = []
        self._prompt, self._told = True, 0
        self.text = ""

    def put(self, value: Any) -> None:
        """Take the prompt first, then a token at a time."""
        if self._prompt:
            self._prompt = False
            return
        self._ids += [one for one in value.reshape(-1).tolist() if one not in self._special]
        self.text = self._decode(self._ids)
        if not self.text.endswith("\ufffd"):  # a character that is not whole yet
            self._tell()

    def end(self) -> None:
        """Tell what is left."""
        self._tell()

    def _tell(self) -> None:
        if self._say is not None and len(self.text) > self._told:
            self._say(self.text[self._told :])
        self._told = len(self.text)


def _context_of(config: Any) -> int | None:
    """How many tokens a model reads, where its configuration says so."""
    value = getattr(config.get_text_config(), "max_position_embeddings", None)
    return value if isinstance(value, int) and value > 0 else None
