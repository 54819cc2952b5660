"""RemoveRepeats: what many documents have goes, with an account; what one has stays."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cli import command
from stages.base import State, VisibleState
from stages.clean import passages
from stages.clean.repeats import RemoveRepeats
from stages.records import SCHEMA, to_table
from stages.verdicts import Batch

LICENCE = (
    "Permission is granted to copy and to change this page,\n"
    "as long as this notice is kept and the club is named."
)


def name(number: int) -> str:
    """A word of its own for each number; a number would be a 0."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def pages(count: int = 30) -> list[str]:
    """Bodies of their own, each with a menu, a licence in its middle and a footer of its number."""
    rng = random.Random(3)
    found = []
    for page in range(count):
        body = [" ".join(name(rng.randrange(10**6)) for _ in range(12)) for _ in range(3)]
        middle = [body[0], LICENCE, *body[1:]]
        club = f"Garden club, page {page + 1} of {count}"
        foot = f"By {name(page)}\n---\n{club}\nMade in 20{10 + page}, all rights ours"
        found.append("Home | Our seeds | Contact\n\n" + "\n\n".join(middle) + f"\n\n{foot}\n")
    return found


def bodies(texts: list[str]) -> list[str]:
    parts = [text.split("\n\n") for text in texts]
    own = [[*those[1:-1], those[-1].partition("\n")[0]] for those in parts]
    return ["\n\n".join(part for part in those if part != LICENCE) for those in own]


def cut(stage: RemoveRepeats, texts: list[str]) -> list[str]:
    kept = stage([{"id": f"{n:04}", "text": text} for n, text in enumerate(texts)])
    return [row["text"] for row in kept]


def test_menu_licence_and_footer_go_and_nothing_else() -> None:
    texts = pages()
    assert cut(RemoveRepeats(), texts) == bodies(texts)


def test_what_too_few_documents_have_stays() -> None:
    texts = pages()
    assert cut(RemoveRepeats(documents=31), texts) == texts
    assert cut(RemoveRepeats(), texts[:9]) == texts[:9]
    assert (
        cut(RemoveRepeats(documents=2, share=0.6), texts[:9] + ["x"] * 9) != texts[:9] + ["x"] * 9
    )
    others = [f"{name(n)} only here" for n in range(22)]
    assert cut(RemoveRepeats(documents=2, share=0.5), texts[:9] + others) == texts[:9] + others


def test_equal_documents_count_once() -> None:
    texts = [pages()[0]] * 40
    assert cut(RemoveRepeats(), texts) == texts


def test_every_character_that_goes_is_counted() -> None:
    stage = RemoveRepeats(documents=5)
    table = to_table([{"id": str(n), "text": text} for n, text in enumerate(pages())], SCHEMA)
    judged = stage.split(table, seen_of(stage, [table])[0])
    after = sum(map(len, judged.kept.column("text").to_pylist()))
    counts = judged.counts.text
    assert counts.seen == sum(map(len, pages())) and counts.kept == after
    assert set(counts.removed) == {passages.LINE, passages.PARAGRAPH}
    assert sum(counts.removed.values()) == counts.seen - after
    licences = 30 * (len(LICENCE) + 2)
    assert counts.removed[passages.PARAGRAPH] >= licences
    assert judged.counts.changed == 30


def seen_of(stage: RemoveRepeats, tables: list[pa.Table]) -> list[VisibleState]:
    """What each piece sees in the end."""
    state = State()
    seen = [VisibleState(0, {}, {}, None) for _ in tables]
    while not state.done:
        observed = [stage.observe(Batch(t), own) for t, own in zip(tables, seen, strict=True)]
        state = stage.merge(observed, state)
        assert state.local is not None and not state.values and not state.tables
        seen = [VisibleState(state.round, {}, {}, local) for local in state.local]
    assert len(state.told["lines"]) > 1
    return seen


@pytest.mark.parametrize("at", [1, 13, 29])
def test_how_rows_are_cut_into_pieces_changes_nothing(at: int) -> None:
    stage = RemoveRepeats()
    rows = [{"id": str(n), "text": text} for n, text in enumerate(pages())]
    tables = [to_table(part, SCHEMA) for part in (rows[:at], rows[at:])]
    seen = seen_of(stage, tables)
    kept = [stage.split(t, own).kept for t, own in zip(tables, seen, strict=True)]
    assert pa.concat_tables(kept).column("text").to_pylist() == bodies(pages())


def test_a_piece_sees_its_own_lines_alone() -> None:
    stage = RemoveRepeats()
    rows = [{"id": str(n), "text": text} for n, text in enumerate(pages())]
    table, other = to_table(rows, SCHEMA), to_table([{"id": "x", "text": "A page alone"}], SCHEMA)
    alone, beside = seen_of(stage, [table]), seen_of(stage, [table, other])
    assert alone[0].local == beside[0].local and beside[1].local is not None
    assert beside[1].local.num_rows == 0


def test_inside_a_text_lines_headings_and_code_stay() -> None:
    code = "```\nimport beds\n\nbeds.water(all=True)\n```"
    texts = [
        f"Bed number {name(n)} begins\n\n## What you will need\n\n{name(n)} one\nas in every bed\n"
        f"{name(n)} two\n\n{code}\n\nends {name(n)} here"
        for n in range(20)
    ]
    assert cut(RemoveRepeats(), texts) == texts
    without = [text.replace("## What you will need\n\n", "") for text in texts]
    without = [text.replace("as in every bed\n", "") for text in without]
    assert cut(RemoveRepeats(lines="everywhere"), texts) == without
    scripts = [
        f"import beds\nfrom tools import hose\n\n{name(n)} = beds.get({n}, w={n})\n"
        for n in range(20)
    ]
    assert cut(RemoveRepeats(), scripts) == scripts


def test_a_text_that_is_nothing_else_stays() -> None:
    texts = [*pages(), LICENCE]
    assert cut(RemoveRepeats(), texts)[-1] == LICENCE


def test_answers_are_looked_at_when_asked_for_and_rejected_ones_too() -> None:
    ending = "I hope that this helps!"
    rows: list[dict[str, Any]] = [
        {
            "prompt": f"Read this first please\n{name(n)}",
            "completion": f"a{name(n)}\n{ending}",
            "rejected": f"b{name(n)}\n{ending}",
        }
        for n in range(12)
    ]
    assert [row["completion"] for row in RemoveRepeats()(rows)] == [r["completion"] for r in rows]
    kept = RemoveRepeats(on="output")(rows)
    assert [row["completion"] for row in kept] == [f"a{name(n)}" for n in range(12)]
    assert [row["prompt"] for row in kept] == [row["prompt"] for row in rows]
    kept = RemoveRepeats(on="input")(rows)
    assert [row["prompt"] for row in kept] == [f"{name(n)}" for n in range(12)]


LINES = st.lists(
    st.sampled_from(["", "  ", "---", "a b c", "d e f 7", "```", "own {n} x", "\t"]), max_size=9
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=5), st.data())
def test_what_is_left_is_the_text_without_some_lines(parts: list[list[str]], data: Any) -> None:
    texts = ["\n".join(lines).format(n=n) for n, lines in enumerate(parts)]
    units = passages.units_of(texts)
    firsts = [int((units.rows < row).sum()) for row in range(len(texts) + 1)]
    for row, text in enumerate(texts):
        size = firsts[row + 1] - firsts[row]
        hits = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
        words = units.words[firsts[row] : firsts[row + 1]].tolist()
        lines = data.draw(st.sampled_from(["ends", "everywhere", "never"]))
        found = passages.without(text, units.passages[row], hits, words, lines)
        for passage in units.passages[row]:
            for span in passage.lines:
                assert units.spoken[firsts[row] + span.unit] == text[span.begin : span.end]
        if found is None:
            continue
        assert found.text.strip() and sum(found.removed.values()) == len(text) - len(found.text)
        gone = {n for begin, end in found.spans for n in range(begin, end)}
        kept = "".join(c for n, c in enumerate(text) if n not in gone)
        assert found.text.split() == kept.split()
        left = iter(text.split("\n"))
        assert all(any(line == one for one in left) for line in found.text.split("\n")[:-1])


def test_a_run_tells_what_went_and_explain_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, text in enumerate(pages(12)):
        (folder / f"{number:02}.md").write_text(text)
    Path("r.yaml").write_text("version: 1\nsources:\n  - documents: pages\nsteps: [repeats]\n")
    assert command(["run", "r.yaml"]) == 0
    told = capsys.readouterr().out
    assert "stand in 10 documents or more" in told and "in 12: Garden club, page" in told
    assert command(["explain", "03.md", "--run", "runs/r"]) == 0
    shown = capsys.readouterr().out
    assert "[-Garden club, page 4 of 12-]" in shown


def test_equal_documents_of_several_pieces_count_once() -> None:
    stage = RemoveRepeats()
    table = to_table([{"id": "0", "text": pages()[0]}], SCHEMA)
    state = stage.merge([stage.observe(Batch(table), VisibleState(0, {}, {}, None))] * 40, State())
    assert state.told["units"] == []


@pytest.mark.parametrize("at", [1, 8, 12])
def test_what_people_are_told_does_not_depend_on_the_cut(at: int) -> None:
    foots = ["Made by the Garden Club", "made by the garden club", "MADE BY THE GARDEN CLUB"]
    rows = [{"id": str(n), "text": f"{name(n)} is here\n\n{foots[n % 3]}"} for n in range(20)]
    stage, told = RemoveRepeats(), []
    for parts in ([rows], [rows[:at], rows[at:]]):
        tables = [to_table(part, SCHEMA) for part in parts]
        state, seen = State(), [VisibleState(0, {}, {}, None) for _ in tables]
        while not state.done:
            observed = [stage.observe(Batch(t), own) for t, own in zip(tables, seen, strict=True)]
            state = stage.merge(observed, state)
            seen = [VisibleState(state.round, {}, {}, one) for one in state.local or ()]
        told.append(state.told["lines"])
    assert told[0] == told[1] and len(told[0]) == 2


def test_a_rule_goes_with_a_footer_alone_and_code_is_an_end() -> None:
    foot = "Made by the club of this garden"
    ruled = [f"---\n{name(n)} is here\n\n---\n{foot}" for n in range(20)]
    assert cut(RemoveRepeats(), ruled) == [f"---\n{name(n)} is here" for n in range(20)]
    coded = [f"{name(n)} is here\n\n{foot}\n\n```\nwater({n})\n```" for n in range(20)]
    assert cut(RemoveRepeats(), coded) == coded
