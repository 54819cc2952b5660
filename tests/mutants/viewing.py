"""The page of a run: who is let in, which rows are found, what is marked."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_SERVER, _QUERY, _COLUMNS, _CARDS, _WRITE = (
    f"pipeline/views/live/{name}.py" for name in ("server", "query", "columns", "cards", "write")
)
_SHOWN = "tests/pipeline/test_view_server.py::test_"
TOKEN = (f"{_SHOWN}whoever_does_not_know_the_token_gets_nothing",)
LED = (f"{_SHOWN}nobody_who_was_led_here_by_a_name_or_from_another_page_gets_in",)
PLAIN = (f"{_SHOWN}filters_and_words_find_what_a_plain_look_finds",)
LEFT = (f"{_SHOWN}what_left_is_found_by_step_and_reason",)
MANY = (f"{_SHOWN}a_column_with_many_values_is_no_filter",)
GONE = (f"{_SHOWN}a_run_that_is_gone_or_made_anew_is_told",)
SOME = ("tests/pipeline/test_view_page.py::test_of_each_reason_a_file_has_some",)

MUTANTS = (
    Mutant(
        _SERVER,
        "return None if same and slash else HTTPStatus.FORBIDDEN",
        "return None if slash else HTTPStatus.FORBIDDEN",
        "any token opens the page",
        TOKEN,
    ),
    Mutant(
        _SERVER,
        "not in [[host] for host in hosts]",
        "in [[]]",
        "a name that was made to lead here opens the page",
        LED,
    ),
    Mutant(
        _SERVER,
        'not in ("none", "same-origin")',
        'in ("",)',
        "a page of another origin may ask",
        LED,
    ),
    Mutant(
        _SERVER,
        "if stamp_of(self.folder) != self._content.stamp:",
        "if not self._content.stamp:",
        "a run that was made anew is shown as it was",
        GONE,
    ),
    Mutant(
        _QUERY,
        "mask &= columns.lengths <= query.high",
        "mask &= columns.lengths < query.high",
        "the longest of the wanted rows is left out",
        PLAIN,
    ),
    Mutant(
        _QUERY,
        "first + number",
        "first",
        "a row that is found in a later batch is shown as one of the first",
        PLAIN,
    ),
    Mutant(
        _QUERY,
        "ignore_case=True",
        "ignore_case=False",
        "a word in capitals is not found",
        PLAIN,
    ),
    Mutant(
        _COLUMNS,
        "return len(self.known) <= MOST",
        "return True",
        "a column with a value for each row is a filter",
        MANY,
    ),
    Mutant(
        _COLUMNS,
        "labels.index(shelf.label)",
        "0",
        "all that left is of the first step",
        LEFT,
    ),
    Mutant(
        _CARDS,
        '("match", text[begin:end])',
        '("", text[begin:end])',
        "evidence is not marked in the text",
        LEFT,
    ),
    Mutant(
        _WRITE,
        "np.lexsort((groups, rank))",
        "np.lexsort((rank, groups))",
        "a file holds the first reason alone",
        SOME,
    ),
    Mutant(
        "pipeline/views/live/query.py",
        'if name != "id" or _ID.fullmatch(word):',
        "if True:",
        "short words are found in ids",
        ("tests/pipeline/test_view_server.py",),
    ),
    Mutant(
        "pipeline/views/live/query.py",
        'for name in ("content", "extra"):',
        'for name in ("content",):',
        "what stands beside a message is not found",
        ("tests/pipeline/test_view_server.py",),
    ),
    Mutant(
        "pipeline/views/live/query.py",
        "mask &= columns.lengths >= query.low",
        "mask &= columns.lengths > query.low",
        "the shortest of the wanted rows is left out",
        ("tests/pipeline/test_view_server.py",),
    ),
    Mutant(
        "pipeline/views/live/columns.py",
        'np.argsort(-counts, kind="stable")',
        'np.argsort(counts, kind="stable")',
        "the rarest value of a column comes first",
        ("tests/pipeline/test_view_server.py::test_a_column_with_many_values_is_no_filter",),
    ),
)
