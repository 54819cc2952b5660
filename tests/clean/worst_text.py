"""Texts that cost a careless rule more than their length: name → a text of so many characters.

Each case repeats one thing on which some pattern, loop or library is known to look back, look
ahead or count again. Sizes are characters; nothing here is meant to be kept or refused.
"""

from __future__ import annotations

from collections.abc import Callable

Text = Callable[[int], str]


def repeated(piece: str, first: str = "", last: str = "") -> Text:
    """The piece again and again, between a beginning and an end."""

    def text(size: int) -> str:
        room = max(size - len(first) - len(last), 0)
        return first + (piece * (room // len(piece) + 1))[:room] + last

    return text


def _numbered(form: str) -> Text:
    def text(size: int) -> str:
        return "".join(form.format(number) for number in range(size // len(form.format(1000)) + 1))

    return text


def _growing(piece: str, between: str) -> Text:
    """Runs of 1, 2, 3 … pieces: no two alike, so that each is looked for in vain."""

    def text(size: int) -> str:
        runs, total, length = [], 0, 0
        while total < size:
            length += 1
            runs.append(piece * length)
            total += length * len(piece) + len(between)
        return between.join(reversed(runs))[:size]

    return text


def _nested(piece: str) -> Text:
    return lambda size: "&" + piece * (size // len(piece)) + "lt; &amp; caf\u00c3\u00a9"


CASES: dict[str, Text] = {
    # tags of HTML and BBCode
    "tags_cut": repeated("<b ", "<p>Fish</p>"),
    "tags_nested": repeated("<div>", "<p>Fish</p>"),
    "posts_of_code": repeated("[code]", "[b]Fish[/b]", "[/i]"),
    "posts_nested": repeated("[quote]", "[b]Fish[/b]", "[/quote]" * 9),
    "posts_of_lists": repeated("[list][*]", "[b]Fish[/b]", "[/list]"),
    "brackets": repeated("[", "[b]Fish[/b]"),
    "links_cut": repeated("[a](", "[b]Fish[/b]"),
    "addresses_cut": repeated("[url=", "[b]Fish[/b]"),
    "stored_posts": repeated("<s>[b]", "<r>", "</r>"),
    "stored_lists": repeated("<LIST>", "<r>", "</r>"),
    # fences, code and white space
    "tildes": repeated("~", "Fish &amp; chips\n"),
    "backticks": repeated("`", "Fish &amp; chips "),
    "backticks_apart": repeated("` ", "Fish &amp; chips "),
    "backtick_runs": _growing("`", " &amp; "),
    "fence_lines": repeated("```\n", "Fish &amp; chips\n"),
    "fences_of_many_lengths": _growing("~", "\n&amp; "),
    "fences_indented": repeated("   ```x\n", "Fish &amp; chips\n"),
    "fences_never_closed": repeated("~~~~a\n", "Fish &amp; chips\n````\n"),
    "spaces": repeated(" ", "a  \n&amp;", "b"),
    "tabs_and_spaces": repeated(" \t", "a  \n&amp;", "b"),
    "spaces_before_lines": repeated("  \n", "a\n", "b"),
    "line_ends": repeated("\n", "a ", "b"),
    "carriage_returns": repeated("\r", "a ", "b"),
    "separators": repeated("\u2028\u0085", "a ", "b"),
    "no_break_spaces": repeated("\u00a0", "a ", "b"),
    "zero_width": repeated("\u200d", "\u0939", "\u0939"),
    "joiners_apart": repeated("\u0939\u200d", "", "a"),
    "controls": repeated("\x00\x08", "a", "b"),
    # entities, markup, misread bytes
    "amps": repeated("&", "a ", "b"),
    "entities": repeated("&amp;", "a ", "b"),
    "entities_deep": _nested("amp;"),
    "entities_unknown": repeated("&abcdefghijklmnopqrstuvwxyz;", "a ", "b"),
    "numbers_unknown": repeated("&#1114112;", "a ", "b"),
    "tags_open": repeated("<a", "x &amp; "),
    "tags_long": repeated("<a " + "b" * 199, "x &amp; "),
    "code_lines": repeated("\t", "x &amp; "),
    "code_words": repeated("from a", "x &amp;\n"),
    "mojibake": repeated("caf\u00c3\u00a9 "),
    "mojibake_lines": repeated("\u00c3\u00a9\n"),
    "mojibake_deep": repeated("\u00c3\u0192\u00c6\u2019\u00c3\u2020\u00e2\u20ac\u2122"),
    "c1": repeated("\x80\x9f"),
    # letters and marks
    "combining": repeated("\u0301", "e"),
    "combining_mixed": repeated("\u0301\u0316", "e"),
    "combining_falling": repeated("\u0315\u0301\u0316\u0334", "e"),
    "combining_then_hangul": repeated("\ud55c", "a" + "\u0315\u0301" * 20),
    "ligatures": repeated("\ufdfa"),
    "hangul_parts": repeated("\u1112\u1161\u11ab"),
    "folding": repeated("\u0130\u1e9e\u0149"),
    "one_word": repeated("a"),
    "one_word_mixed": _numbered("ab{}cd"),
    "one_han_word": repeated("\u6f6e"),
    "emoji": repeated("\U0001f469\u200d\U0001f467"),
    "unassigned": repeated("\U000e0fff\u0378"),
    "words_alike": repeated("tide "),
    "words_apart": _numbered("word{} "),
    "lines_alike": repeated("The gauge was read.\n"),
    "lines_apart": _numbered("Line {} of the book.\n"),
    "quotes": repeated('"', "sorry, i cannot help "),
    "apostrophes": repeated("'s"),
    # personal data and secrets
    "ats": repeated("a@"),
    "at_signs": repeated("@"),
    "dotted": repeated("a.", "a@"),
    "hyphens": repeated("a-", "a@"),
    "addresses": repeated("a.b@c.de "),
    "addresses_in_one": repeated("ab@cd.ef,"),
    "addresses_backwards": lambda size: "x@y.de " * (size // 14) + "https://u:p@h " * (size // 28),
    "digits": repeated("1"),
    "digits_apart": repeated("1 "),
    "digits_hyphened": repeated("12-"),
    "digits_bracketed": repeated("(0"),
    "plus_signs": repeated("+4"),
    "phones": repeated("+49 30 1234567 "),
    "phone_words": repeated("tel "),
    "phone_words_brackets": repeated("tel (1 ((((((((((((((((("),
    "cards": repeated("4111 1111 1111 1111 "),
    "ibans": repeated("DE89 3704 0044 0532 0130 00 "),
    "iban_letters": repeated("AB12 "),
    "numbers_dotted": repeated("1.2.3.4."),
    "addresses_ip": repeated("8.8.8.8 "),
    "colons": repeated("2a0:"),
    "schemes": repeated("a://"),
    "schemes_open": repeated("http://a:"),
    "letters_dotted": repeated("a+", "a"),
    "keys_open": repeated("sk-"),
    "keys": repeated("ghp_" + "a" * 36 + " "),
    "private_keys": repeated("-----BEGIN PRIVATE KEY-----\n"),
    "tokens": repeated("eyJaaaaaaaaaaa."),
    # phrases
    "sorry": repeated("sorry "),
    "sorry_i": repeated("sorry i "),
    "i_am": repeated("i am "),
    "really": repeated("really ", "i "),
    "as_an_ai": repeated("as an a-"),
    "as_an_ai_words": repeated("a ", "as an "),
    "ing": repeated("ing "),
    "cannot": repeated("i cannot "),
    "should": repeated("should "),
    "it_is": repeated("it is "),
    "lack": repeated("i lack any "),
    "with_remark": repeated("as an ai, i cannot. "),
    "opinions": repeated("i do not have any ", "", "opinions"),
    "german": repeated("ich kann das ", "tut mir leid "),
    "chinese": repeated("\u62b1\u6b49\u6211\u4f5c\u4e3a"),
    "bullets": repeated("- "),
    "bullet_lines": repeated("-\n", "i cannot "),
    "blank_bullets": repeated(" ", "i cannot help\n"),
    "sentence_ends": repeated(".)"),
    "han_ends": repeated("\u3002"),
    # control tokens, templates
    "control_tokens": repeated("<|im_end|>"),
    "control_tokens_open": repeated("<|im_"),
    "pipes": repeated("|"),
    "json": repeated('{"a":['),
}
