"""`seedbed init` on folders as people have them: the recipe runs unedited, with their records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

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


@pytest.mark.parametrize("name", FOLDERS)
def test_the_recipe_runs_unedited_and_gives_the_records(name: str, tmp_path: Path) -> None:
    folder = FOLDERS[name]
    folder.make(tmp_path / "my data")
    seedbed("init", "my data", cwd=tmp_path)
    text = (tmp_path / "recipe.yaml").read_text()
    for sentence in folder.says:
        assert sentence in re.sub(r"\n\s*# ", " ", text), text
    rows = _run(tmp_path, "recipe.yaml")
    assert _kept(tmp_path) == folder.sources
    said = [_texts(row) for row in rows]
    assert len(rows) == sum(folder.sources.values())
    assert all(folder.never not in one for texts in said for one in texts)
    assert any(row.get(folder.form) for row in rows)
    if folder.pairs:
        (tmp_path / "pairs.yaml").write_text(switched(text))
        rows = _run(tmp_path, "pairs.yaml")
        assert len(rows) == folder.pairs
        assert all(row["prompt"] and row["completion"] for row in rows)


def _run(folder: Path, recipe: str) -> list[dict[str, Any]]:
    """The records of a run."""
    seedbed("run", recipe, "--workers", "1", cwd=folder)
    return list(Corpus(folder / "runs" / "my-data" / "corpus").table().to_pylist())


def _kept(folder: Path) -> dict[str, int]:
    """stage → records that its sources kept, after the steps that leave some out."""
    run = json.loads((folder / "runs" / "my-data" / "run.json").read_text())
    found: dict[str, int] = {}
    for step in run["steps"]:
        if step["source"] is not None:
            found[step["stage"]] = found.get(step["stage"], 0) + step["counts"]["made"]
        elif len(found) == 1 and step["counts"] is not None:
            found = {stage: number - step["counts"]["dropped"] for stage, number in found.items()}
    return found


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
    rows = _run(tmp_path, "recipe.yaml")
    row = next(row for row in rows if json.loads(row["meta"])["topic_id"] == 1)
    roles = [message["role"] for message in row["messages"]]
    texts = [message["content"] for message in row["messages"]]
    assert roles == ["user", "assistant", "user", "assistant"]
    assert texts[0].startswith(f"Topic {folders.prose(1, 4)}")
    assert texts[0].endswith(f"{folders.prose(1001)}\n\nbold 0")
    assert folders.prose(1004) in texts[3] and folders.prose(1005) in texts[3]
    assert json.loads(row["meta"])["title"] == f"Topic {folders.prose(1, 4)}"
