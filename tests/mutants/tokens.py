"""Tokens: where answers stand, templates, the loss mask, lengths, ends of texts, the split."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_ANSWERS, _CHAT = "stages/tokens/answers.py", "stages/tokens/chat.py"
_ENCODE, _TOKENIZE = "stages/tokens/encode.py", "stages/tokens/tokenize.py"
_SPLIT = "stages/tokens/split.py"


def _of(module: str, name: str) -> tuple[str, ...]:
    return (f"tests/tokens/test_{module}.py::{name}",)


ENDS = _of("tokenize", "test_every_answer_and_the_token_that_ends_it_are_trained_on")
CONTROL = _of("tokenize", "test_a_control_token_in_a_record_stays_text")
LONGER = _of("tokenize", "test_longer_records_leave_or_are_cut")
PLAIN = _of("tokenize", "test_a_model_without_a_template_takes_plain_joins")
OTHER = _of("tokenize", "test_a_tokenizer_of_another_kind")
EMBEDDED = _of("chat", "test_the_embedded_template_adds_a_system_message_only_when_asked")
STRIPS = _of("chat", "test_a_template_that_strips_is_followed")
SPLIT = ("tests/tokens/test_split.py",)

MUTANTS = (
    # --- answers and templates
    Mutant(
        _ANSWERS,
        "return begin, closing[-1] if closing else end",
        "return begin, end",
        "what stands behind the end of an answer is trained on",
        ENDS,
    ),
    Mutant(
        _ANSWERS,
        "return begin, following.end() if following else end",
        "return begin, end",
        "an answer that is shown differently later has no end to learn",
        _of("answers", "test_an_answer_that_is_shown_differently_later_is_learned_with_its_end"),
    ),
    Mutant(
        _ANSWERS,
        'if message["role"] == "assistant"]',
        'if message["role"] != "user"]',
        "what tools and the system say is trained on",
        _of("chat", "test_a_tool_call_is_part_of_the_answer"),
    ),
    Mutant(
        _ANSWERS,
        "before = self._render(self._marked[:number], True)",
        "before = self._render(self._marked[:number], False)",
        "the beginning that a template gives an answer is trained on",
        ENDS,
    ),
    Mutant(
        _ANSWERS,
        "if found is None and apart and number >= WHOLE:",
        "if found is None and number >= WHOLE:",
        "answers of long conversations are shown by a few messages where all are needed",
        _of("answers", "test_a_long_conversation_has_the_segments_of_a_short_one[numbered-calls]"),
    ),
    Mutant(
        _CHAT,
        "hidden = None if self.default_system else self._default_system(marked, text)",
        "hidden = self._default_system(marked, text)",
        "the template's own system message never stays",
        EMBEDDED,
    ),
    Mutant(
        _CHAT,
        "begin = len(bos) if bos and text.startswith(bos) and not rest.startswith(bos) else 0",
        "begin = 0",
        "the token that begins a text leaves with the template's system message",
        STRIPS,
    ),
    Mutant(
        _CHAT,
        "(not match[1], not match[3]) if match else (False, False)",
        "(not match[3], not match[1]) if match else (False, False)",
        "contents are stripped at the wrong end",
        _of("chat", "test_a_template_that_strips_one_end_is_followed"),
    ),
    Mutant(
        _CHAT,
        "return end <= self._reach",
        "return begin <= self._reach",
        "the text that follows an answer is trained on",
        ENDS,
    ),
    Mutant(
        _CHAT,
        'source = named.get("default")',
        "source = next(iter(named.values()))",
        "of several templates the first is used, not the default",
        _of("chat", "test_of_several_templates_the_default_is_used"),
    ),
    Mutant(
        "stages/tokens/template.py",
        "        trim_blocks=True,\n",
        "        trim_blocks=False,\n",
        "templates keep the line breaks behind their blocks",
        _of("template", "test_real_templates_are_rendered_as_without_limits"),
    ),
    # --- characters to tokens
    Mutant(
        _ENCODE,
        'places[:, 0], side="right") - 1',
        'places[:, 0], side="left")',
        "a token that an answer shares with its prompt is not trained on",
        _of("tokenize", "test_a_token_that_answer_and_prompt_share_is_trained_on"),
    ),
    Mutant(
        _ENCODE,
        'places[:, 1], side="left")',
        'places[:, 1], side="right")',
        "the token behind an answer is trained on",
        ENDS,
    ),
    Mutant(
        _ENCODE,
        "            places = _byte_places(text, places)\n",
        "            places = places.copy()\n",
        "places in characters are taken for places in bytes",
        ENDS,
    ),
    Mutant(
        _ENCODE,
        "spans.append((len(ids), len(ids) + 1))",
        "spans.append((len(ids), len(ids)))",
        "the end of an answer that names a control token is not trained on",
        CONTROL,
    ),
    Mutant(
        _ENCODE,
        "() if segment.content else special.finditer(segment.text)",
        "special.finditer(segment.text)",
        "a control token that a user writes becomes one",
        CONTROL,
    ),
    Mutant(
        _ENCODE,
        "self.plain.encode_special_tokens = True",
        "self.plain.encode_special_tokens = False",
        "a control token in a text becomes one",
        CONTROL,
    ),
    Mutant(
        _ENCODE,
        "out[-1] = (out[-1][0], max(end, out[-1][1]))",
        "out[-1] = (out[-1][0], end)",
        "a range within another ends it",
        _of("tokenize", "test_ranges_that_touch_or_overlap_are_one"),
    ),
    # --- records
    Mutant(
        _TOKENIZE,
        'answer = message["role"] == "assistant"',
        'answer = message["role"] != "user"',
        "a system message is trained on in plain text",
        _of("tokenize", "test_only_answers_of_a_plain_join_are_trained_on"),
    ),
    Mutant(
        _TOKENIZE,
        "segments.append(Segment(prepared.eos, False, True))",
        "segments.append(Segment(prepared.eos, False, False))",
        "the end of a plain answer is not trained on",
        PLAIN,
    ),
    Mutant(
        _TOKENIZE,
        "after = after if after and after[-1] == eos else [*after, eos]",
        "after = [*after, eos]",
        "a text has two ends where the tokenizer gives it one",
        _of("tokenize", "test_a_tokenizer_that_ends_texts_itself_ends_them_once"),
    ),
    Mutant(
        _TOKENIZE,
        "np.concatenate((before, ids, after))",
        "np.concatenate((ids, after))",
        "a text begins without the token for it",
        OTHER,
    ),
    Mutant(
        _TOKENIZE,
        "len(ids) <= self.max_length",
        "len(ids) < self.max_length",
        "a record of max_length tokens is too long",
        LONGER,
    ),
    Mutant(
        _TOKENIZE,
        "spans = [(a, min(b, self.max_length)) for a, b in tokens.trained[number]]",
        "spans = [(a, b) for a, b in tokens.trained[number]]",
        "the mask of a cut record reaches into the next",
        LONGER,
    ),
    Mutant(
        _TOKENIZE,
        'if self.long == "drop" or not kept:',
        'if self.long == "drop":',
        "a record that is cut before its answer stays, without a target",
        LONGER,
    ),
    Mutant(
        _TOKENIZE,
        'if self.system is not None and not (messages and messages[0]["role"] == "system"):',
        "if self.system is not None:",
        "a conversation with a system message gets another",
        _of("tokenize", "test_the_system_message_is_the_one_given"),
    ),
    Mutant(
        _TOKENIZE,
        "offsets[row] + begin : offsets[row] + end] = True",
        "begin:end] = True",
        "the masks of a batch all stand at its begin",
        _of("tokenize", "test_the_batch_changes_no_row"),
    ),
    # --- the split
    Mutant(
        _SPLIT,
        'mixed = roots ^ np.uint64(int.from_bytes(secret, "little"))',
        "mixed = roots ^ np.uint64(0)",
        "the seed of the split is ignored",
        _of("split", "test_a_share_is_kept_and_depends_on_the_seed"),
    ),
    Mutant(
        _SPLIT,
        "self.val * 2.0**64",
        "self.val * 2.0**63",
        "half the share goes to validation",
        _of("split", "test_a_share_is_kept_and_depends_on_the_seed"),
    ),
    Mutant(
        _SPLIT,
        ".casefold()",
        "",
        "prompts in capitals are other prompts",
        SPLIT,
    ),
    Mutant(
        _SPLIT,
        '"NFKC"',
        '"NFC"',
        "prompts in full-width letters are other prompts",
        _of("split", "test_prompts_are_compared_by_what_they_say"),
    ),
    Mutant(
        _SPLIT,
        'asked = batch.texts("input")',
        'asked = batch.texts("all")',
        "equal questions with different answers leak between the sides",
        SPLIT,
    ),
    Mutant(
        _SPLIT,
        "sorted((root(int(pairs[here, 1])), root(int(pairs[here + 1, 1]))))",
        "sorted((int(pairs[here, 1]), int(pairs[here + 1, 1])))",
        "of a chain of groups only neighbours are connected",
        SPLIT,
    ),
    Mutant(
        _SPLIT,
        "            if sizes[number] <= left:\n",
        "            if left > 0:\n",
        "val_rows is exceeded by the last group",
        _of("split", "test_val_rows_takes_whole_groups_that_fit"),
    ),
    Mutant(
        _SPLIT,
        "np.argsort(self._order(distinct), kind",
        "np.argsort(distinct, kind",
        "val_rows takes the same groups for every seed",
        _of("split", "test_val_rows_takes_whole_groups_that_fit"),
    ),
    Mutant(
        _SPLIT,
        '_hashes([f"g{group}" for group in groups])',
        '_hashes(["g" + str(group)[:1] for group in groups])',
        "groups with one first letter are one group",
        _of("split", "test_val_rows_takes_whole_groups_that_fit"),
    ),
)
