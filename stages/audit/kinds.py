"""The kinds of findings: how grave each is, what it means, what helps.

What a stage refuses has the stage's own reasons beside these."""

from __future__ import annotations

from typing import Literal, NamedTuple

# lost: no reader takes it. leak: validation would measure nothing. changed: a careless reader
# alters it, or it is damaged already. wasted: it trains nothing, or nothing new. note: no fault.
Grade = Literal["lost", "leak", "changed", "wasted", "note"]
GRADES: tuple[Grade, ...] = ("lost", "leak", "changed", "wasted", "note")


class Kind(NamedTuple):
    """grade; words: what it means; remedy: what helps, empty where nothing is to be done."""

    grade: Grade
    words: str
    remedy: str = ""


KINDS = {
    "role": Kind(
        "lost",
        "a role that no trainer knows",
        "call it system, user, assistant or tool",
    ),
    "leak_near": Kind(
        "leak",
        "nearly a record of the validation file stands in the training file",
        "leave it out, or split by what records share (step split)",
    ),
    "leak_prompt": Kind(
        "leak",
        "a question of the validation file stands in the training file",
        "leave it out, or split by what records share (step split)",
    ),
    "leak_run": Kind(
        "leak",
        "13 words in a row of the validation file stand in the training file",
        "leave it out, or split by what records share (step split)",
    ),
    "big_number": Kind(
        "changed",
        "a whole number of over 53 bits, which readers in JavaScript and columns of floats round",
        "write it as text",
    ),
    "charset": Kind(
        "changed",
        "the file is not UTF-8, for which most readers take it",
        "save it as UTF-8",
    ),
    "control": Kind(
        "changed",
        "control characters, which are no text",
        "step normalize removes them",
    ),
    "late_key": Kind(
        "changed",
        "a key comes first behind the first 10 MB, from which `datasets` takes the keys"
        " of all lines",
        "put a line that has all keys first",
    ),
    "line_end": Kind(
        "changed",
        "signs at which str.splitlines ends a line, so that a careless reader of lines "
        "breaks the record",
        "step normalize makes line ends of them",
    ),
    "mark": Kind(
        "changed",
        "the file begins with a byte order mark, at which strict readers of JSON fail",
        "save it as UTF-8 without one",
    ),
    "missing_word": Kind(
        "changed",
        "a word that pandas and `datasets` read as nothing",
        "read it with keep_default_na=False, or with seedbed",
    ),
    "mixed_types": Kind(
        "changed",
        "a key has values of several types, which ends or alters loading with `datasets`",
        "give each key one type",
    ),
    "mojibake": Kind(
        "changed",
        "text that was read in the wrong charset before",
        "step normalize repairs it",
    ),
    "not_a_number": Kind(
        "changed",
        "NaN or Infinity, which JSON does not have",
        "write null",
    ),
    "number_text": Kind(
        "changed",
        "digits that pandas and `datasets` make another number of: zeros go, long ones are rounded",
        "read the column as text (dtype=str), or with seedbed",
    ),
    "replaced": Kind(
        "changed",
        "U+FFFD, in whose place something was lost before",
        "take the text from its source again",
    ),
    "all_masked": Kind(
        "wasted",
        "every answer has the weight 0, or is empty, so that no token is learned",
    ),
    "ends_unanswered": Kind(
        "wasted",
        "what is asked last has no answer; some trainers drop the record, others train "
        "on the question",
        "take the last message off",
    ),
    "exact_duplicate": Kind(
        "wasted",
        "the same record once more",
        "step dedup keeps one of each",
    ),
    "near_duplicate": Kind(
        "wasted",
        "nearly the same record once more",
        "step dedup keeps one of each",
    ),
    "no_answer": Kind(
        "wasted",
        "nothing answers what is asked",
    ),
    "no_known_column": Kind(
        "wasted",
        "rows became one text of lines `column: value`, since no column is known",
        "name the columns: `seedbed init` writes a recipe that does",
    ),
    "same_answer": Kind(
        "wasted",
        "the better and the worse answer of a pair are the same: no preference is learned",
        "leave the pair out",
    ),
    "too_long": Kind(
        "wasted",
        "more tokens than --max-length: cut or left out in training",
        "step tokenize splits them",
    ),
    "untrained": Kind(
        "wasted",
        "no answer from which anything would be learned, by the model's template",
    ),
    "begins_answering": Kind(
        "note",
        "the assistant speaks first, which templates of Llama 2, Mistral and Gemma refuse",
    ),
    "boilerplate": Kind(
        "note",
        "an answer that speaks of being an AI",
        "step refusals leaves the remark out",
    ),
    "late_system": Kind(
        "note",
        "a system message that is not the first, which many templates refuse or leave out",
    ),
    "markup": Kind(
        "note",
        "text that holds the tags of a page or a board",
        "step markup makes Markdown of them",
    ),
    "other_answer": Kind(
        "note",
        "the same question with another answer",
    ),
    "refusal": Kind(
        "note",
        "an answer that declines",
        "step refusals leaves them out",
    ),
    "unread": Kind(
        "note",
        "files of the folder that were not looked at",
    ),
    "same_twice": Kind(
        "note",
        "one side speaks twice in a row, which templates of Mistral and Gemma refuse",
    ),
}
