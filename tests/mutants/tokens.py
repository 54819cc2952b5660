"""Tokens: where answers stand, templates, the loss mask, lengths, ends of texts."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_ANSWERS, _CHAT = "stages/tokens/answers.py", "stages/tokens/chat.py"
_ENCODE, _TOKENIZE = "stages/tokens/encode.py", "stages/tokens/tokenize.py"
_CAREFUL, _PIECES = "stages/tokens/careful.py", "stages/tokens/pieces.py"
_RENDERER = "stages/tokens/renderer.py"


def _of(module: str, name: str) -> tuple[str, ...]:
    return (f"tests/tokens/test_{module}.py::{name}",)


ENDS = _of("tokenize", "test_every_answer_and_the_token_that_ends_it_are_trained_on")
CONTROL = _of("tokenize", "test_a_control_token_in_a_record_stays_text")
LONGER = _of("tokenize", "test_longer_records_leave_or_are_cut")
PLAIN = _of("tokenize", "test_a_model_without_a_template_takes_plain_joins")
OTHER = _of("tokenize", "test_a_tokenizer_of_another_kind")
EMBEDDED = _of("chat", "test_the_embedded_template_adds_a_system_message_only_when_asked")
STRIPS = _of("chat", "test_a_template_that_strips_is_followed")

MUTANTS = (
    # --- answers and templates
    Mutant(
        _CHAT,
        "hidden = None if self.default_system else self._default_system(marked, text)",
        "hidden = self._default_system(marked, text)",
        "the template's own system message never stays",
        EMBEDDED,
    ),
    Mutant(
        "stages/tokens/chat.py",
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
        _PIECES,
        'base + low, side="right") - 1',
        'base + low, side="left")',
        "a token that an answer shares with its prompt is not trained on",
        _of("tokenize", "test_a_token_that_answer_and_prompt_share_is_trained_on"),
    ),
    Mutant(
        _PIECES,
        'base + high, side="left")',
        'base + high, side="right")',
        "the token behind an answer is trained on",
        ENDS,
    ),
    Mutant(
        _PIECES,
        "before.append(before[-1] + (len(text) if text.isascii() else len(text.encode())))",
        "before.append(before[-1] + len(text))",
        "places in characters are taken for places in bytes",
        _of("pieces", "test_ordinary_rows_need_no_second_look"),
    ),
    Mutant(
        _PIECES,
        "widths[begins] -= np.array(led, dtype=bool)[full]",
        "pass",
        "the blank before a text counts as a character of it",
        _of("pieces", "test_ordinary_rows_need_no_second_look"),
    ),
    Mutant(
        _PIECES,
        "ids[np.arange(len(flat)) + np.repeat(shift, np.diff(bounds))] = flat",
        "ids[np.arange(len(flat))] = flat",
        "the ids of pieces stand before the control tokens between them",
        _of("pieces", "test_pieces_are_as_the_tokenizer_alone_has_them"),
    ),
    Mutant(
        "stages/tokens/encoders.py",
        "        if not _equal(found, expected):\n            return False\n",
        "",
        "an encoder is used without its proof",
        _of("encoders", "test_an_encoder_that_errs_is_left_out"),
    ),
    Mutant(
        "stages/tokens/encoders.py",
        "                    raise Unequal\n",
        "                    pass\n",
        "an encoder that errs at a text of the corpus goes on",
        _of("encoders", "test_one_that_errs_at_a_text_of_the_corpus_ends_what_it_did"),
    ),
    Mutant(
        "stages/tokens/blind.py",
        'if tag in ("messages", "message") or (tag and self._in_macro):',
        'if tag in ("messages", "message"):',
        "what a macro gives is taken for nothing of the messages",
        _of("blind", "test_templates_that_look_at_contents_are_found_out"),
    ),
    Mutant(
        _ENCODE,
        "self.plain.encode_special_tokens = True",
        "self.plain.encode_special_tokens = False",
        "a control token in a text becomes one",
        CONTROL,
    ),
    Mutant(
        _CAREFUL,
        "out[-1] = (out[-1][0], max(end, out[-1][1]))",
        "out[-1] = (out[-1][0], end)",
        "a range within another ends it",
        _of("tokenize", "test_ranges_that_touch_or_overlap_are_one"),
    ),
    # --- records
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
        _RENDERER,
        'with_system = stage.system is not None and roles[:1] != ["system"]',
        "with_system = stage.system is not None",
        "a conversation with a system message gets another",
        _of("tokenize", "test_the_system_message_is_the_one_given"),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "return closing[-1], True",
        "return end, True",
        "the end of an answer is not trained on",
        (
            "tests/tokens/test_tokenize.py::test_every_answer_and_the_token_that_ends_it_are_trained_on",
        ),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "return following.end(), True",
        "return end, True",
        "an answer that the next role marker ends has no end to learn",
        ("tests/tokens/test_families.py::test_what_is_learned_is_the_answer_and_its_end",),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "tails.behind(number, True)",
        "tails.behind(number, False)",
        "the beginning that a template gives an answer is trained on",
        ("tests/tokens/test_families.py::test_what_is_learned_is_the_answer_and_its_end",),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "if len(set(found.values())) == 1:",
        "if found:",
        "answers of long conversations are shown by a few places where all are needed",
        ("tests/tokens/test_answers.py",),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "if all(self._behind_first(first, at, answer_next) == found[at] for at in found):",
        "if found:",
        "what stands behind the first messages is not compared with what stands in its own place",
        ("tests/tokens/test_answers.py",),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "ended = stop if written is not None and stop == end + len(written) else end",
        "ended = end",
        "a call whose end the template writes has no end to learn",
        ("tests/tokens/test_families.py::test_calls_of_tools_are_learned",),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "next(ends, block[-1].end)",
        "block[-1].end",
        "what a tool is named in its answer is trained on",
        ("tests/tokens/test_families.py::test_calls_of_tools_are_learned",),
    ),
    Mutant(
        "stages/tokens/answers.py",
        "return before + (broken.start() if broken else same)",
        "return before + same",
        "half a tag of the prompt begins an answer",
        ("tests/tokens/test_chat.py::test_half_a_tag_of_the_prompt_begins_no_answer",),
    ),
    Mutant(
        "stages/tokens/chat.py",
        "if same + back >= len(mine) or own not in alone:",
        "if own not in alone:",
        "a fixed head is taken for a system message",
        ("tests/tokens/test_families.py::test_a_fixed_head_is_no_system_message",),
    ),
    Mutant(
        "stages/tokens/chat.py",
        'if not self.is_blind and "".join(s.text for s in segments) != self._render(shown):',
        'if len("".join(s.text for s in segments)) != len(self._render(shown)):',
        "a template that changes letters is not noticed",
        ("tests/tokens/test_chat.py",),
    ),
    Mutant(
        "stages/tokens/stretches.py",
        "return end <= self._reach",
        "return begin <= self._reach",
        "the text that follows an answer is trained on",
        ("tests/tokens/test_chat.py",),
    ),
    Mutant(
        "stages/tokens/left_out.py",
        "if sum(run.end - run.begin for run in runs) < expected:",
        "if not runs and expected < 0:",
        "calls that a template leaves out go in silence",
        ("tests/tokens/test_families.py::test_what_a_template_leaves_out_is_told",),
    ),
    Mutant(
        "stages/tokens/left_out.py",
        "if core > thought:",
        "if core > len(text):",
        "a part of a message goes in silence",
        ("tests/tokens/test_chat.py", "tests/tokens/test_families.py"),
    ),
    Mutant(
        "stages/tokens/shadow.py",
        'shown = {"thinking": reasoning, **shown, "reasoning_content": reasoning}',
        "pass",
        "reasoning has but the name that the data gives it",
        ("tests/tokens/test_families.py::test_reasoning_beside_the_content",),
    ),
    Mutant(
        _PIECES,
        "            if segment.content:\n",
        "            if False:\n",
        "a control token that a user writes becomes one",
        _of("words", "test_control_tokens_count_only_where_they_are_looked_for"),
    ),
    Mutant(
        _CAREFUL,
        "places[at] = where, where + len(contents[number])",
        "pass",
        "the prompt's marker takes the blank that begins an answer, and is trained on",
        ("tests/tokens/test_families.py::test_control_tokens_in_a_record_change_nothing_else",),
    ),
    Mutant(
        _RENDERER,
        "segments.append(Segment(prepared.eos, False, answer))",
        "segments.append(Segment(prepared.eos, False, False))",
        "the end of a plain answer is not trained on",
        ("tests/tokens/test_tokenize.py::test_a_model_without_a_template_takes_plain_joins",),
    ),
    Mutant(
        _RENDERER,
        "return not closed and self._stage.end_turn and last and self._prepared.eos is not None",
        "return False",
        "an answer that nothing ends is learned without an end",
        ("tests/tokens/test_families.py::test_what_is_learned_is_the_answer_and_its_end",),
    ),
    Mutant(
        _RENDERER,
        "answers = answers[-1:]",
        "answers = answers[:1]",
        "the first answer is learned for the last",
        ("tests/tokens/test_families.py::test_which_messages_are_learned",),
    ),
    Mutant(
        "stages/tokens/rows.py",
        "offsets[row] + begin : offsets[row] + end] = True",
        "begin:end] = True",
        "the masks of a batch all stand at its begin",
        ("tests/tokens/test_families.py",),
    ),
    Mutant(
        "stages/tokens/marks.py",
        "return begin, end + 1, learned",
        "return begin, end, learned",
        "the last character of a part that is marked is learned",
        ("tests/tokens/test_families.py::test_a_part_of_a_turn_can_be_marked",),
    ),
    Mutant(
        "stages/tokens/parts.py",
        "(at := _last(cut, text, begin, high)) >= low",
        "(at := _last(cut, text, begin, high)) > begin",
        "a part ends at the first heading, however short it is",
        ("tests/tokens/test_parts.py",),
    ),
    Mutant(
        "stages/tokens/parts.py",
        'elif len(found) == 1 or any(message["role"] == "assistant" for message in turn):',
        "elif True:",
        "a part of a conversation has no answer",
        ("tests/tokens/test_parts.py::test_a_question_without_an_answer_is_no_part_of_its_own",),
    ),
    Mutant(
        "stages/tokens/tokenize.py",
        "min(self.overlap, room // 2)",
        "self.overlap",
        "parts of a text advance by a word where much overlaps",
        ("tests/tokens/test_parts.py",),
    ),
)
