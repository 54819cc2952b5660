"""Worst cases cost by their size: every page and every text that the tables hold, at two sizes.

CPU seconds of this process, the better of two tries where the first is over the bound.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

import stages
from stages import records
from stages.apply.apply import Apply
from stages.base import Fit, Map, Source, State, VisibleState
from stages.clean.dedup import Deduplicate
from stages.clean.markup import ConvertMarkup
from stages.clean.normalize import Normalize
from stages.clean.pii import Pii
from stages.clean.quality import QualityFilter
from stages.clean.refusals import RefusalFilter
from stages.clean.repeats import RemoveRepeats
from stages.extract import file_kinds
from stages.extract.webpage.page import page
from stages.select.embed import Embed
from stages.select.select import KMeansSelect
from stages.select.split import Split
from stages.tokens.mix import Mix
from stages.tokens.tokenize import Tokenize
from stages.verdicts import Batch
from tests.clean.worst_text import CASES as TEXTS
from tests.clock import seconds
from tests.extract.worst_html import CASES as PAGES

GROWTH = 3.2  # for twice the size; a square is 4
NOTICED = 0.03  # seconds under which a clock tells nothing
MOST = 0.3
STAGES: list[Map | Fit] = [
    Normalize(),
    Normalize(form="NFKC"),
    ConvertMarkup(),
    ConvertMarkup(format="html"),
    ConvertMarkup(format="bbcode"),
    ConvertMarkup(format="phpbb"),
    Pii(action="drop"),
    QualityFilter(on="all"),
    RefusalFilter(),
    Deduplicate(),
    RemoveRepeats(documents=2),
    Split(),
    Mix(unit="characters"),
    Apply(function="copy:copy"),
]
OF_EXTRAS: list[Map | Fit] = [
    Tokenize(max_length=1 << 16, long="truncate"),
    Mix(unit="tokens"),
    Embed(),
]
# Stages with tables or measures of their own.
ELSEWHERE = {
    "html": "test_every_page_takes_time_by_its_size",
    "csv": "tests/extract/worst_csv.py",
    "jsonl": "tests/extract/worst_json.py",
    "documents": "tests/extract/worst_documents.py",
    "xml": "tests/extract/worst_dumps.py",
    "chatlog": "tests/extract/worst_chats.py",
    "sql": "tests/extract/worst_sql.py",
    "database": "rows of a server: tests/extract/test_database.py",
    "select": "test_vectors_of_every_kind_take_time_by_their_number",
}


def test_every_source_and_every_stage_of_texts_has_worst_cases() -> None:
    shapes = (Source, Map, Fit)
    wanted = {name for name in stages.TABLE if issubclass(stages.stage(name), shapes)}
    assert wanted == {stage.name for stage in (*STAGES, *OF_EXTRAS)} | ELSEWHERE.keys()


def within(small: Callable[[], object], large: Callable[[], object]) -> str | None:
    """What is wrong with the time of two sizes, if anything is."""
    told = None
    for _ in range(2):
        one, two = seconds(small), seconds(large)
        if two <= MOST and (two <= NOTICED or two <= GROWTH * max(one, 0.001)):
            return None
        told = f"{one:.3f} s, then {two:.3f} s for twice the size"
    return told


def judge(stage: Map | Fit, table: pa.Table) -> None:
    if isinstance(stage, Map):
        stage.split(table)
        return
    state, seen = State(), VisibleState(0, {}, {}, None)
    while not state.done:
        state = stage.merge([stage.observe(Batch(table), seen)], state)
        local = state.local[0] if state.local is not None else None
        seen = VisibleState(state.round, state.values, state.tables, local)
    stage.split(table, seen)


def table_of(text: str) -> pa.Table:
    row = {"id": "0", "source": "s", "place": "", "prompt": "Why?", "completion": text}
    return records.to_table([row])


def test_every_page_takes_time_by_its_size() -> None:
    page(b"<p>warm")
    slow = {
        name: told
        for name, make in PAGES.items()
        if (told := within(lambda: page(make(20_000)), lambda: page(make(40_000))))  # noqa: B023
    }
    assert slow == {}


EVERY = [*STAGES, *(pytest.param(stage, marks=pytest.mark.extras) for stage in OF_EXTRAS)]


@pytest.mark.parametrize("stage", EVERY, ids=lambda stage: stage.name)
def test_every_text_takes_time_by_its_size(stage: Map | Fit) -> None:
    judge(stage, table_of("Warm up the caf\u00e9 &amp; the text"))
    slow = {}
    for name, make in TEXTS.items():
        small, large = table_of(make(12_000)), table_of(make(24_000))
        told = within(lambda: judge(stage, small), lambda: judge(stage, large))  # noqa: B023
        if told:
            slow[name] = told
    assert slow == {}


def test_a_look_at_what_a_file_is_takes_little_time() -> None:
    """Each file is looked at, so that a folder of small ones costs as many looks."""
    slow = {}
    for unit in ("[", "[[", "[a](", "[a](b", "![", "**a", "**", "<", '{"a":', "a,", "- ", "1. "):
        head = (unit * file_kinds.HEAD)[: file_kinds.HEAD].encode()
        half = head[: file_kinds.HEAD // 2]
        small, large = (partial(file_kinds.other, one, "csv") for one in (half, head))
        if told := within(small, large):
            slow[unit] = told
    assert slow == {}


def test_a_page_of_too_many_tags_is_refused_with_the_limit() -> None:
    found = page(b"a<br>" * ((1 << 20) + 1))
    assert found.reason == "markup"
    assert found.evidence == {"tags": (1 << 20) + 1, "limit": 1 << 20, "bytes": 5 * (1 << 20) + 5}


def test_white_space_of_levels_is_bounded_by_the_page() -> None:
    for piece in (b"<ul><li>a", b"<ul><li><pre>a\nb</pre>", b"<blockquote>a"):
        found = page(piece * (1 << 16))
        assert len(found.markdown) < (1 << 20) + 8 * len(piece) * (1 << 16)
    few = page(b"<ul><li>one " * 40 + b"words " * 30)
    assert "\n" + " " * 4 * 32 + "- one" in few.markdown


def test_signs_that_begin_no_tag_are_text_however_many() -> None:
    found = page(b"<p>" + b"Lamps were counted twice at the pier. " * 5 + b"<" * ((1 << 20) + 9))
    assert found.reason is None and "counted twice" in found.text


def test_tags_in_scripts_and_comments_are_none() -> None:
    prose = b"<p>" + b"Lamps were counted twice at the pier. " * 5
    many = b"<b>" * ((1 << 20) + 9)
    for begin, end in (
        (b"<!--", b"-->"),
        (b"<script type=x>", b"</script >"),
        (b"<STYLE>", b"</style>"),
    ):
        found = page(
            prose + begin + many + end + b"<p>" + b"And once more at noon by the keeper. " * 5
        )
        assert found.reason is None, begin
        assert "counted twice" in found.text and "at noon" in found.text
    assert page(prose + b"<!-- -->" + many).reason == "markup"


VECTORS: dict[str, Callable[[int], np.ndarray]] = {
    "all equal": lambda n: np.ones((n, 16)),
    "all nothing": lambda n: np.zeros((n, 16)),
    "two places": lambda n: np.eye(16)[np.arange(n) % 2],
    "one apart": lambda n: np.eye(16)[(np.arange(n) == 0).astype(int)],
    "a line": lambda n: np.outer(np.linspace(-1, 1, n), np.ones(16)),
}


@pytest.mark.extras
@pytest.mark.parametrize("name", VECTORS)
def test_vectors_of_every_kind_take_time_by_their_number(name: str) -> None:
    stage = KMeansSelect(keep=20)

    def selected(count: int) -> Callable[[], object]:
        found = VECTORS[name](count).astype(np.float16)
        array = pa.FixedSizeListArray.from_arrays(pa.array(found.ravel()), 16)
        rows = [{"id": f"{n:032x}", "source": "s", "place": "", "text": "x"} for n in range(count)]
        table = records.to_table(rows).append_column("vector", array)
        return lambda: judge(stage, table)

    selected(100)()
    small, large = selected(200), selected(400)
    times = [(seconds(small), seconds(large)) for _ in range(2)]
    assert min(two / max(one, 0.01) for one, two in times) < GROWTH, times
