"""`seedbed init` on folders as people have them: the recipe runs unedited, with their records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from pipeline.recipe.checked import read_recipe
from stages.corpus import Corpus
from tests.pipeline.world import seedbed
from tests.sketch import folders


class Folder(NamedTuple):
    """make: writes it. sources: stage → records that the run must keep of it. first: the form of
    the records, and what the first text must hold. says: what must stand in the recipe."""

    make: Callable[[Path], None]
    sources: dict[str, int]
    form: str
    says: tuple[str, ...] = ()
    never: str = "\0"
    pairs: int = 0


FOLDERS = {
    "phpbb": Folder(
        folders.phpbb, {"sql": 18}, "messages", ("tables of phpBB", "- markup ", "by: [topic_id]"),
        "secret", 18,
    ),
    "wordpress": Folder(
        folders.wordpress, {"xml": 12, "sql": 9}, "text", ("WordPress XML", "tables of WordPress"),
        "wp:paragraph",
    ),
    "mediawiki": Folder(folders.mediawiki, {"xml": 10}, "text", ("MediaWiki XML",), "[["),
    "discourse": Folder(
        folders.discourse, {"sql": 15}, "messages", ("tables of Discourse", "by: [topic_id]"),
        "archetype", 15,
    ),
    "stackexchange": Folder(
        folders.stackexchange, {"xml": 14}, "prompt",
        ("Stack Exchange XML", "4 table of Stack Exchange: Comments.xml, Tags.xml"),
        "<p>",
    ),
    "shop": Folder(
        folders.shop, {"sql": 25}, "text", ("ps_product_lang has text", "- markup "), "Street"
    ),
    "documentation": Folder(
        folders.documentation, {"html": 30}, "text", ("1 PNG image", "2 source code"), "Copyright"
    ),
    "news": Folder(folders.news, {"html": 20}, "text", ("20 files",), "Home"),
    "faq": Folder(
        folders.faq, {"csv": 30}, "prompt", ("'Frage' and 'Antwort'", "German"), "\ufffd"
    ),
    "sharegpt": Folder(folders.sharegpt, {"jsonl": 25}, "messages", ("messages ← conversations",)),
    "alpaca": Folder(
        folders.alpaca, {"jsonl": 28}, "prompt", ("completion ← output", "- refusals "), "sorry"
    ),
    "tickets": Folder(
        folders.tickets, {"database": 16}, "messages", ("SQLite database", "role says the roles"),
        "closed", 16,
    ),
    "formats": Folder(
        folders.formats, {"html": 7, "jsonl": 20, "documents": 5}, "prompt",
        ("EPUB book", "WARC", "Parquet or Arrow file", "1 mailbox: inbox (mails are not read"),
        "Copyright",
    ),
    "mixed": Folder(
        folders.mixed, {"documents": 8, "html": 7, "chatlog": 1, "jsonl": 10}, "text",
        ("export: {format: seedbed}", "pipes, sockets and devices", "names that are no UTF-8",
         "texts about data: README.md"),
        "These data",
    ),
}  # fmt: skip


ENGINE = ("phpbb", "mixed")  # whose recipes run as commands, too


@pytest.mark.parametrize("name", FOLDERS)
def test_the_recipe_runs_unedited_and_gives_the_records(name: str, tmp_path: Path) -> None:
    folder = FOLDERS[name]
    folder.make(tmp_path / "my data")
    seedbed("init", "my data", cwd=tmp_path)
    text = (tmp_path / "recipe.yaml").read_text()
    for sentence in folder.says:
        assert sentence in re.sub(r"\n\s*# ", " ", text), text
    rows, kept = _made(tmp_path / "recipe.yaml")
    assert kept == folder.sources
    said = [_texts(row) for row in rows]
    assert all(folder.never not in one for texts in said for one in texts)
    assert any(row.get(folder.form) for row in rows)
    if name in ENGINE:
        seedbed("run", "recipe.yaml", "--workers", "1", cwd=tmp_path)
        corpus = Corpus(tmp_path / "runs" / "my-data" / "corpus").table().to_pylist()
        assert [row["id"] for row in corpus] == [row["id"] for row in rows]
        assert [row["split"] for row in corpus] == [row["split"] for row in rows]
    if folder.pairs:
        (tmp_path / "pairs.yaml").write_text(switched(text))
        rows, _ = _made(tmp_path / "pairs.yaml")
        assert len(rows) == folder.pairs
        assert all(row["prompt"] and row["completion"] for row in rows)


def _made(path: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """What a recipe makes of its sources, step by step up to its export, in this process: the
    records, and how many are left of each stage's sources."""
    recipe = read_recipe(path)
    rejects: list[dict[str, Any]] = []
    read = [one.stage(one.path, rejects, name=one.name).to_arrow() for one in recipe.sources]
    table = pa.concat_tables(read)
    assert recipe.steps[-1].stage.name == "export"
    for step in recipe.steps[:-1]:
        table = step.stage(table, rejects)
    kept: dict[str, int] = {}
    stages = {one.name: one.stage.name for one in recipe.sources}
    for name in table.column("source").to_pylist():
        kept[stages[name]] = kept.get(stages[name], 0) + 1
    return table.to_pylist(), kept


def _texts(row: dict[str, Any]) -> list[str]:
    talk = [message["content"] for message in row["messages"] or []]
    return [one for one in (row["text"], row["prompt"], row["completion"], *talk) if one]


def switched(recipe: str) -> str:
    """The recipe with each commented alternative in place of what it is an alternative to."""
    lines: list[str] = []
    alternative = False
    for line in recipe.split("\n"):
        if line.startswith("      # instead,"):
            at = max(n for n, one in enumerate(lines) if one.strip().startswith("path:")) + 2
            del lines[at:]
            alternative = True
            wanted = False
        elif alternative and line.startswith("      # "):
            wanted = wanted or re.match(r"      # \w+: ", line) is not None
            lines += [f"      {line[8:]}"] if wanted else []
        else:
            alternative = False
            lines.append(line)
    return "\n".join(lines)


def test_threads_are_whole_turns_with_their_title_first(tmp_path: Path) -> None:
    folders.phpbb(tmp_path / "my data")
    seedbed("init", "my data", cwd=tmp_path)
    rows, _ = _made(tmp_path / "recipe.yaml")
    row = next(row for row in rows if json.loads(row["meta"])["topic_id"] == 1)
    roles = [message["role"] for message in row["messages"]]
    texts = [message["content"] for message in row["messages"]]
    assert roles == ["user", "assistant", "user", "assistant"]
    assert texts[0].startswith(f"Topic {folders.prose(1, 4)}")
    assert texts[0].endswith(f"{folders.prose(1001)}\n\nbold 0")
    assert folders.prose(1004) in texts[3] and folders.prose(1005) in texts[3]
    assert json.loads(row["meta"])["title"] == f"Topic {folders.prose(1, 4)}"
