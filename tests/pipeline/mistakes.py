"""Mistakes that people make: what lies in the folder, the call, the exit code, words of the answer.

The folder has in.jsonl (five pairs), faq.csv (Frage;Antwort), site/a.html, dump.sql (a table
`posts`), shop.sqlite (`goods`), book.xlsx-like junk and recipe.yaml over in.jsonl; `change` makes
the mistake in it. `words`: what is wrong, where, and the remedy.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RECIPE = """\
version: 1
name: t
sources:
  - jsonl: {path: in.jsonl, name: a}
steps:
  - normalize
  - split: {val: 0.2}
run: {workers: 1}
"""
FAQ = "Frage;Antwort\n" + "Wann?;Im März, wenn der Boden trocken ist.\n" * 5
PAGE = "<html><body><article><h1>Tides</h1><p>%s</p></article></body></html>"
LINE = "The tide gauge was read twice a day and written down by hand in the harbour book. "
DUMP = """\
CREATE TABLE `posts` (`id` int, `title` text, `body` text);
INSERT INTO `posts` VALUES (1,'Peas','When are peas sown? In March, when the soil is dry.');
"""


@dataclass(frozen=True)
class Mistake:
    """name: of the mistake. call: the arguments. words: all must be in the answer. code: of the
    exit. change: makes the mistake in the folder."""

    name: str
    call: tuple[str, ...]
    words: tuple[str, ...]
    code: int = 2
    change: Callable[[Path], object] = lambda folder: None


def folder(path: Path) -> None:
    """The folder that the mistakes are made in."""
    rows = [{"prompt": f"When is bed {n} sown?", "completion": f"In week {n + 10}, in rows, when "
             "the soil is dry."} for n in range(5)]  # fmt: skip
    (path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "faq.csv").write_text(FAQ)
    (path / "site").mkdir()
    (path / "site/a.html").write_text(PAGE % (LINE * 5))
    (path / "dump.sql").write_text(DUMP)
    (path / "empty").mkdir()
    with sqlite3.connect(path / "shop.sqlite") as base:
        base.execute("CREATE TABLE goods (id INTEGER PRIMARY KEY, description TEXT)")
        base.execute("INSERT INTO goods VALUES (1, 'A rake of ash wood with twelve teeth.')")
    base.close()
    (path / "recipe.yaml").write_text(RECIPE)


def recipe(old: str, new: str) -> Callable[[Path], object]:
    """The recipe with other words in it."""

    def change(path: Path) -> None:
        text = (path / "recipe.yaml").read_text()
        assert old in text
        (path / "recipe.yaml").write_text(text.replace(old, new))

    return change


def written(name: str, data: str | bytes) -> Callable[[Path], object]:
    """A file with other contents."""
    raw = data.encode() if isinstance(data, str) else data
    return lambda path: (path / name).write_bytes(raw)


def gone(name: str) -> Callable[[Path], object]:
    """A file that is not there."""
    return lambda path: (path / name).unlink()


def source(text: str) -> Callable[[Path], object]:
    """Another source in place of the recipe's."""
    return recipe("jsonl: {path: in.jsonl, name: a}", text)


def step(text: str) -> Callable[[Path], object]:
    """Another step in place of `normalize`."""
    return recipe("- normalize", f"- {text}")


def both(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    """One change after another."""
    return lambda path: [change(path) for change in changes]


RUN, PLAN = ("run", "recipe.yaml"), ("plan", "recipe.yaml")
QUERY = "sql: {path: dump.sql, name: a, query: '%s'}"

MISTAKES = (
    # --- the call
    Mistake("misspelt verb", ("rnu", "recipe.yaml"), ("no verb or stage 'rnu'", "'run'")),
    Mistake("misspelt stage", ("jsnol", "in.jsonl", "-o", "c"), ("'jsnol'", "'jsonl'")),
    Mistake("misspelt option", ("run", "recipe.yaml", "--worker", "2"), ("--worker", "--workers")),
    Mistake("misspelt parameter", ("csv", "faq.csv", "-o", "c", "--delimeter", ";"),
            ("--delimeter", "--delimiter")),
    Mistake("underscore for a dash", ("tokenize", "c", "-o", "t", "--max_len", "9"),
            ("--max_len", "--max-length")),
    Mistake("no output", ("jsonl", "in.jsonl"), ("-o", "--help")),
    Mistake("no input", ("jsonl", "-o", "c"), ("--help",)),
    Mistake("no recipe", ("run",), ("recipe", "--help")),
    Mistake("recipe that is not there", ("run", "recepe.yaml"), ("recepe.yaml", "recipe.yaml")),
    Mistake("a folder for a recipe", ("run", "site"), ("site", "folder")),
    Mistake("data for a recipe", ("run", "in.jsonl"), ("in.jsonl",)),
    Mistake("a word for a number", ("run", "recipe.yaml", "--workers", "two"),
            ("--workers", "two")),
    Mistake("no workers", ("run", "recipe.yaml", "--workers", "0"), ("workers", "1")),
    Mistake("password in an address", ("database", "postgresql://u:secret@h/d", "-o", "c"),
            ("password", "PGPASSWORD")),
    Mistake("a value that is none", ("pii", "c", "-o", "d", "--action", "maks"),
            ("'maks'", "'mask'")),
    Mistake("a number out of range", ("dedup", "c", "-o", "d", "--threshold", "80"),
            ("threshold", "80")),
    Mistake("run that is not there", ("show", "--run", "runs/none"), ("runs/none",)),
    Mistake("record that is not there", ("explain", "0" * 32), ("run",)),
    # --- the recipe's text
    Mistake("tab in YAML", RUN, ("recipe.yaml:6:", "tab"), change=recipe("  - norm", "\t- norm")),
    Mistake("bracket that is open", RUN, ("recipe.yaml:8:", "line 7"),
            change=recipe("0.2}", "0.2")),
    Mistake("key twice", RUN, ("recipe.yaml:3:", "name", "second time"),
            change=recipe("name: t", "name: t\nname: u")),
    Mistake("no version", RUN, ("version: 1",), change=recipe("version: 1\n", "")),
    Mistake("another version", RUN, ("version", "2"), change=recipe("version: 1", "version: 2")),
    Mistake("no sources", RUN, ("sources",), change=recipe("sources:", "source:")),
    Mistake("steps misspelt", RUN, ("'step'", "'steps'"), change=recipe("steps:", "step:")),
    Mistake("misspelt stage in a recipe", RUN, ("recipe.yaml:6:", "'normalise'", "'normalize'"),
            change=step("normalise")),
    Mistake("misspelt parameter in a recipe", RUN, ("recipe.yaml:7:", "'value'", "'val'"),
            change=recipe("val: 0.2", "value: 0.2")),
    Mistake("a source among the steps", RUN, ("recipe.yaml:6:", "jsonl", "sources"),
            change=step("jsonl: {path: in.jsonl}")),
    Mistake("a step among the sources", RUN, ("recipe.yaml:4:", "normalize", "steps"),
            change=source("normalize")),
    Mistake("path of nothing", RUN, ("recipe.yaml:4:", "path"), change=source("jsonl: {name: a}")),
    Mistake("misspelt name of a source", RUN, ("recipe.yaml:4:", "'nmae'", "'name'"),
            change=source("jsonl: {path: in.jsonl, nmae: a}")),
    Mistake("two sources of a name", RUN, ("'a'", "name"),
            change=source("jsonl: {path: in.jsonl, name: a}\n  - csv: {path: faq.csv, name: a}")),
    Mistake("split after train", RUN, ("split",), change=step("tokenize\n  - train")),
    Mistake("train without tokens", RUN, ("tokenize", "train"),
            change=recipe("run:", "  - train\nrun:")),
    Mistake("select without vectors", RUN, ("embed", "select"),
            change=step("select: {keep: 2}")),
    Mistake("text for a number in a recipe", RUN, ("recipe.yaml:7:", "val"),
            change=recipe("val: 0.2", "val: a fifth")),
    Mistake("runs among the data", RUN, ("recipe.yaml:4:", "out"), change=both(
        source("html: {path: site, name: a}"), recipe("workers: 1", "workers: 1, out: site"))),
    Mistake("recipe in UTF-16", RUN, ("recipe.yaml",),
            change=lambda p: (p / "recipe.yaml").write_text(RECIPE, encoding="utf-16")),
    Mistake("recipe that is empty", RUN, ("recipe.yaml", "version"),
            change=written("recipe.yaml", "")),
    # --- what the sources are
    Mistake("file that is not there", RUN, ("recipe.yaml:4:", "inn.jsonl", "in.jsonl"),
            change=source("jsonl: {path: inn.jsonl, name: a}")),
    Mistake("pattern of nothing", RUN, ("recipe.yaml:4:", "*.jsnol"),
            change=source("jsonl: {path: '*.jsnol', name: a}")),
    Mistake("folder without such files", RUN, ("recipe.yaml:4:", "empty"),
            change=source("jsonl: {path: empty, name: a}")),
    Mistake("file without bytes", RUN, ("in.jsonl", "no text"), code=3,
            change=written("in.jsonl", b"")),
    Mistake("column that is not there", RUN, ("recipe.yaml:4:", "'frage'", "'Frage'"),
            change=source("csv: {path: faq.csv, name: a, prompt: frage, completion: Antwort}")),
    Mistake("prompt without completion", RUN, ("recipe.yaml:4:", "completion"),
            change=source("csv: {path: faq.csv, name: a, prompt: Frage}")),
    Mistake("dump given to csv", RUN, ("dump.sql", "SQL, which sql reads"), code=3,
            change=source("csv: {path: dump.sql, name: a}")),
    Mistake("CSV given to jsonl", RUN, ("faq.csv", "CSV, which csv reads"), code=3,
            change=source("jsonl: {path: faq.csv, name: a}")),
    Mistake("CSV given to html", RUN, ("faq.csv", "CSV, which csv reads"), code=3,
            change=source("html: {path: faq.csv, name: a}")),
    Mistake("page given to jsonl", RUN, ("a.html", "HTML, which html reads"), code=3,
            change=source("jsonl: {path: site/a.html, name: a}")),
    Mistake("JSONL given to sql", RUN, ("in.jsonl", "JSON, which jsonl reads"), code=3,
            change=source("sql: {path: in.jsonl, name: a}")),
    Mistake("SQLite file given to sql", RUN,
            ("shop.sqlite", "SQLite database, which database reads"), code=3,
            change=source("sql: {path: shop.sqlite, name: a}")),
    Mistake("Git LFS pointer", RUN, ("in.jsonl", "git lfs pull"), code=3,
            change=written("in.jsonl", "version https://git-lfs.github.com/spec/v1\n"
                           "oid sha256:4d7a\nsize 12345\n")),
    Mistake("query with a misspelt column", RUN, ("recipe.yaml:4:", "bodi", "body"),
            change=source(QUERY % "SELECT bodi AS text FROM posts")),
    Mistake("query with a misspelt table", RUN, ("recipe.yaml:4:", "post", "posts"),
            change=source(QUERY % "SELECT body AS text FROM post")),
    Mistake("query that is no SQL", RUN, ("recipe.yaml:4:", "query"),
            change=source(QUERY % "SELEKT body FROM posts")),
    Mistake("query that writes", RUN, ("recipe.yaml:4:", "query"),
            change=source(QUERY % "DELETE FROM posts")),
    Mistake("query without rows", RUN, ("query", "no row"), code=3,
            change=source(QUERY % "SELECT body AS text FROM posts WHERE id > 9")),
    Mistake("table that is not there", RUN, ("recipe.yaml:4:", "'goods'"),
            change=source("database: {path: shop.sqlite, name: a, table: good}")),
    Mistake("server that is not there", RUN, ("recipe.yaml:4:", "localhost"),
            change=source("database: {path: 'postgresql://u@localhost:1/d', name: a}")),
    Mistake("encoding that is none", RUN, ("recipe.yaml:4:", "utf-88"),
            change=source("csv: {path: faq.csv, name: a, encoding: utf-88}")),
    # --- what is kept
    Mistake("everything is dropped", RUN, ("quality", "nothing"), code=3,
            change=step("quality: {min_words: 5000}")),
    Mistake("more for validation than there is", RUN, ("val", "50", "5 records", "fewer"),
            change=recipe("val: 0.2", "val: 50")),
    # --- models
    Mistake("model folder that is not there", RUN, ("models/llama/base", "nor a folder"),
            change=recipe("run:", "  - tokenize: {model: models/llama/base}\nrun:")),
    Mistake("model folder without a tokenizer", RUN, ("empty", "tokenizer"),
            change=recipe("run:", "  - tokenize: {model: empty}\nrun:")),
    Mistake("a parameter of another tool", RUN, ("recipe.yaml:8:", "'cutoff_len'", "max_length"),
            change=recipe("run:", "  - tokenize: {cutoff_len: 512}\nrun:")),
    Mistake("batch of nothing", RUN, ("recipe.yaml:9:", "batch"),
            change=recipe("run:", "  - tokenize\n  - train: {batch: 0}\nrun:")),
    # --- the machine
    Mistake("output below a file", ("jsonl", "in.jsonl", "-o", "faq.csv/c"), ("faq.csv",)),
    Mistake("output on the input", ("jsonl", "in.jsonl", "-o", "in.jsonl"), ("in.jsonl",)),
    Mistake("output in a folder of somebody's", ("jsonl", "in.jsonl", "-o", "site"), ("site",)),
    Mistake("a name of 300 letters", ("jsonl", "in.jsonl", "-o", "n" * 300), ("name",)),
    Mistake("user's module that is not there",
            ("apply", "in.jsonl", "-o", "c", "--function", "mine:f"),
            ("mine cannot be imported", "installed")),
)  # fmt: skip


def contents(path: Path) -> dict[str, bytes]:
    """What lies in the folder, but what runs make."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and not {".seedbed", "runs"}.intersection(file.parts)
    }
