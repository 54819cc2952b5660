"""Files that change while a run reads them: what comes of it is what one state of them gives, and
nothing is stored that a later run would take for another state.

Every kind of input is changed in every way at every moment between two looks at it.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, models

from pipeline.engine import jobs, runner
from pipeline.engine.run import run_recipe, run_stage
from pipeline.recipe.checked import read_recipe
from stages import user_code
from stages.base import Source
from stages.clean.normalize import Normalize
from stages.corpus import Corpus
from stages.curves.diagnose import Diagnose
from stages.errors import Changed, StageFailed
from stages.tokens import older
from stages.tokens.model import tokenizer_folder
from tests.pipeline import world
from tests.pipeline.world import seedbed

OLD = 1_600_000_000
MOMENTS = ("before", "within", "after")
Run = Callable[..., Any]
Meddle = Callable[[], object]


class Here:
    """Does the jobs in this process, as a fresh worker would, and meddles at one moment of one."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        moment: str,
        meddle: Meddle,
        do: str,
        *folders: Path,
    ) -> None:
        self.patch, self.moment, self.meddle, self.do = patch, moment, meddle, do
        self.folders, self.waits = folders, True

    def map(
        self, function: str, todo: Sequence[dict[str, Any]], *_: Any
    ) -> Iterator[dict[str, Any]]:
        for job in todo:
            if job.get("do") == self.do:
                self._at("before")
            with self.patch.context() as patch:
                if job.get("do") == self.do:
                    patch.setattr(jobs, "unchanged", self._looks(jobs.unchanged))
                made = world.done_here(function, job)
            if job.get("do") == self.do:
                self._at("done")
            yield made

    def _looks(self, unchanged: Callable[..., None]) -> Callable[..., None]:
        def look(files: Any, read: bool) -> None:
            if read:
                self._at("after")
            unchanged(files, read=read)
            if not read:
                self._at("within")

        return look

    def _at(self, moment: str) -> None:
        if self.waits and moment == self.moment:
            self.waits = False
            self.meddle()

    def close(self) -> None:
        """The next jobs find a fresh process."""
        user_code.look_in(*(self.folders))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the recipe of the test's folder, with a meddler; what the corpus and the rejects are."""
    splits = Source.splits
    monkeypatch.setattr(
        Source, "splits", lambda self, part, name, _=False: splits(self, part, name)
    )

    def do(
        moment: str = "",
        meddle: Meddle = lambda: None,
        do: str = "read",
        **to: Path,
    ) -> Any:
        user_code.look_in(tmp_path)
        recipe = read_recipe(tmp_path / "t.yaml", {name: str(path) for name, path in to.items()})
        executor = Here(monkeypatch, moment, meddle, do, tmp_path)
        shown = run_recipe(recipe, executor).shown
        assert not (moment and executor.waits), "nothing was meddled with"
        return _read(shown.get("tokens", shown["records"]))

    return do


def _read(folder: Path) -> Any:
    corpus = Corpus(folder)
    return corpus.table().to_pylist(), corpus.rejects().to_pylist()


def _alone(tmp_path: Path, run: Run) -> Any:
    """What a run gives that knows no other."""
    shutil.rmtree(tmp_path / "alone", ignore_errors=True)
    return run(store=tmp_path / "alone/store", out=tmp_path / "alone/out")


def _forget(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / ".seedbed", ignore_errors=True)


# --- files of sources ---------------------------------------------------------------------------


def _rows(word: str) -> list[dict[str, str]]:
    return [{"text": f"{word} words of row {n} that say no more"} for n in range(40)]


def _html(word: str) -> bytes:
    return world.page(" ".join(row["text"] for row in _rows(word))).encode()


def _jsonl(word: str) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in _rows(word)).encode()


def _csv(word: str) -> bytes:
    return ("text,note\n" + "".join(f"{row['text']},x\n" for row in _rows(word))).encode()


def _sql(word: str) -> bytes:
    rows = ",\n".join(f"({n},'{row['text']}')" for n, row in enumerate(_rows(word)))
    return f"CREATE TABLE t (id INT, text VARCHAR(99));\nINSERT INTO t VALUES\n{rows};\n".encode()


def _zip(word: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in ("one", "two"):
            info = zipfile.ZipInfo(f"{name}.jsonl", (2020, 1, 1, 0, 0, 0))
            archive.writestr(info, _jsonl(f"{word} {name}"))
    return data.getvalue()


def _parquet(word: str) -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_rows(word)), data)
    return data.getvalue()


KINDS: dict[str, tuple[str, str, Callable[[str], bytes]]] = {
    "html": ("html", "b.html", _html),
    "csv": ("csv", "b.csv", _csv),
    "sql": ("sql", "b.sql", _sql),
    "jsonl": ("jsonl", "b.jsonl", _jsonl),
    "gz": ("jsonl", "b.jsonl.gz", lambda word: gzip.compress(_jsonl(word), mtime=0)),
    "zip": ("jsonl", "b.zip", _zip),
    "parquet": ("jsonl", "b.parquet", _parquet),
}


def _edited(path: Path, new: bytes) -> None:
    """In place, with the times of before; as long as before where the kind allows it."""
    before = path.stat()
    path.write_bytes(new)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _renamed(path: Path, new: bytes) -> None:
    beside = path.with_name(".new")
    beside.write_bytes(new)
    os.utime(beside, (OLD, OLD))
    beside.replace(path)


def _cut(path: Path, new: bytes) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _grown(path: Path, new: bytes) -> None:
    with path.open("ab") as file:
        file.write(new)


def _gone(path: Path, new: bytes) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [_edited, _renamed, _cut, _grown, _gone])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_changes_while_it_is_read(
    kind: str, change: Callable[[Path, bytes], None], tmp_path: Path, run: Run
) -> None:
    source, name, content = KINDS[kind]
    path = tmp_path / "in" / name
    path.parent.mkdir()
    path.with_name("a" + name[1:]).write_bytes(content("other"))
    world.recipe(tmp_path, f"{source}: {{path: in}}")

    def first() -> None:
        path.write_bytes(content("first"))
        for one in path.parent.iterdir():
            os.utime(one, (OLD, OLD))

    first()
    before = _alone(tmp_path, run)
    for moment in MOMENTS:
        _forget(tmp_path)
        found = run(moment, lambda: change(path, content("later")))
        assert found == _alone(tmp_path, run), moment
        assert found != before or (kind, change) == ("parquet", _grown)  # its list is at the end
        first()
        assert run() == before, moment


def test_two_sources_see_one_state_of_a_file(tmp_path: Path, run: Run) -> None:
    (tmp_path / "in.jsonl").write_bytes(_jsonl("first"))
    os.utime(tmp_path / "in.jsonl", (OLD, OLD))
    one = "jsonl: {path: in.jsonl, name: "
    world.recipe(tmp_path, f"{one}one}}\n  - {one}two}}")
    edits = iter([lambda: None, lambda: _edited(tmp_path / "in.jsonl", _jsonl("later"))])

    def second(*_: object) -> None:
        next(edits, lambda: None)()

    parts = runner.Run._parts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner.Run, "_parts", lambda *given: (second(), parts(*given))[1])
        found = run()
    assert found == _alone(tmp_path, run)
    assert {row["text"].split()[0] for row in found[0]} == {"later"}


# --- SQLite -------------------------------------------------------------------------------------


def _database(path: Path, mode: str) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute(f"PRAGMA journal_mode={mode}")
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        writer.executemany(
            "INSERT INTO t (text) VALUES (?)", [(r["text"],) for r in _rows("first")]
        )
        writer.commit()


@pytest.mark.parametrize("end", ["left in the log", "written back"])
@pytest.mark.parametrize("mode", ["delete", "wal", "wal in use"])
def test_a_database_that_is_written_to_while_it_is_read(
    mode: str, end: str, tmp_path: Path, run: Run
) -> None:
    path = tmp_path / "in" / "b.db"
    path.parent.mkdir()
    world.recipe(tmp_path, "database: {path: in/b.db}")
    for moment in MOMENTS:
        _forget(tmp_path)
        _database(path, mode.split()[0])
        os.utime(path, (OLD, OLD))
        before = _alone(tmp_path, run)
        with closing(sqlite3.connect(path)) as writer:
            if mode == "wal in use":
                writer.execute("INSERT INTO t (text) VALUES ('in the log from the start')")
                writer.commit()

            def write() -> None:
                writer.execute("UPDATE t SET text = 'later words of a row that say no more'")
                writer.commit()
                if end == "written back":
                    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

            found = run(moment, write)
            assert found == _alone(tmp_path, run) != before, moment
            assert {row["text"][:5] for row in found[0]} == {"later"}
        _database(path, mode.split()[0])
        os.utime(path, (OLD, OLD))
        assert run() == before, moment


def test_reading_leaves_nothing_beside_a_database(tmp_path: Path, run: Run) -> None:
    _database(tmp_path / "b.db", "wal")
    world.recipe(tmp_path, "database: {path: b.db}")
    run()
    seedbed("database", "b.db", "-o", "o", "--snapshot", "x", cwd=tmp_path)
    assert [path.name for path in tmp_path.glob("b.db*")] == ["b.db"]


def test_an_unfinished_change_of_a_database_is_no_damage(tmp_path: Path) -> None:
    """A writer was killed between its journal and its commit: the file is as it was, or is not."""
    code = (
        "import os, sqlite3\nc = sqlite3.connect('b.db', isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=2')\nc.execute('BEGIN')\n"
        "c.execute('UPDATE t SET text = hex(randomblob(2000))')\nos._exit(0)\n"
    )
    _database(tmp_path / "b.db", "delete")
    whole = _made(tmp_path, "whole")
    subprocess.run([world.COMMAND[0], "-c", code], cwd=tmp_path, check=True)
    assert (tmp_path / "b.db-journal").stat().st_size
    told = seedbed("database", "b.db", "-o", "o", cwd=tmp_path, code=3).stderr
    assert "did not finish" in told and "sqlite3" in told
    with closing(sqlite3.connect(tmp_path / "b.db")) as writer:
        writer.execute("SELECT count(*) FROM t").fetchall()
    assert _made(tmp_path, "o") == whole


def _made(tmp_path: Path, out: str) -> Any:
    seedbed("database", "b.db", "-o", out, cwd=tmp_path)
    return _read(tmp_path / out)


# --- models and modules -------------------------------------------------------------------------


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "in.jsonl").write_bytes(_jsonl("first"))
    os.utime(tmp_path / "in.jsonl", (OLD, OLD))
    return tmp_path


LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 "


def _tokenizer(folder: Path, letters: str) -> None:
    """A tokenizer of letters, numbered in this order."""
    folder.mkdir(exist_ok=True)
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    Tokenizer(models.BPE(vocab=vocabulary, merges=[])).save(str(folder / "tokenizer.json"))


def _holds(
    run: Run, folder: Path, change: Callable[[], object], back: Callable[[], object]
) -> None:
    """A change of what the stages use, at every moment: one state of it comes out, and stays."""
    back()
    before = _alone(folder, run)
    for moment in (*MOMENTS, "done"):
        _forget(folder)
        found = run(moment, change, "chain")
        assert found == _alone(folder, run) != before, moment
        back()
        assert run() == before, moment


@pytest.mark.extras
def test_a_tokenizer_that_changes_while_it_is_used(text: Path, run: Run) -> None:
    world.recipe(
        text,
        "jsonl: {path: in.jsonl}",
        "[tokenize: {model: MODEL, chat: plain}]".replace("MODEL", str(text / "m")),
    )
    _holds(
        run,
        text,
        lambda: _tokenizer(text / "m", LETTERS[::-1]),
        lambda: _tokenizer(text / "m", LETTERS),
    )


@pytest.mark.extras
def test_a_tokenizer_of_older_files_is_kept_by_all_of_them(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made of them lies in the cache: under the name of what it was made of."""
    monkeypatch.setenv("SEEDBED_CACHE", str(text / "cache"))
    made: list[str] = []

    def convert(folder: Path, out: Path) -> None:
        made.append((folder / "vocab.json").read_text())
        (out / "tokenizer.json").write_text(made[-1])
        if len(made) == 2:
            (folder / "vocab.json").write_text("third")

    monkeypatch.setattr(older, "convert", convert)
    (text / "m").mkdir()
    (text / "m/tokenizer_config.json").write_text("{}")
    (text / "m/vocab.json").write_text("first")
    first = tokenizer_folder(str(text / "m"))
    assert (first / "tokenizer.json").read_text() == "first"
    (text / "m/vocab.json").write_text("other")
    with pytest.raises(Changed):
        tokenizer_folder(str(text / "m"))
    assert (tokenizer_folder(str(text / "m")) / "tokenizer.json").read_text() == "third"
    (text / "m/vocab.json").write_text("other")
    assert (tokenizer_folder(str(text / "m")) / "tokenizer.json").read_text() == "other"
    (text / "m/vocab.json").write_text("first")
    assert tokenizer_folder(str(text / "m")) == first and len(made) == 4


@pytest.fixture
def encoder(text: Path) -> Path:
    """A tiny transformer, its weights of another seed beside it."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = text / "m"
    _tokenizer(folder, LETTERS)
    PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), pad_token="a"
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(LETTERS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    for seed, name in enumerate((folder, text / "other")):
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(name)
    shutil.copy(folder / "model.safetensors", text / "weights")
    world.recipe(text, "jsonl: {path: in.jsonl}", f"[embed: {{model: {folder}}}]")
    return folder


def _take(name: Path, weights: Path) -> None:
    shutil.copy(weights, name / "new")
    (name / "new").replace(name / "model.safetensors")


@pytest.mark.extras
def test_weights_that_change_while_they_are_used(text: Path, encoder: Path, run: Run) -> None:
    _holds(
        run,
        text,
        lambda: _take(encoder, text / "other/model.safetensors"),
        lambda: _take(encoder, text / "weights"),
    )


@pytest.mark.extras
def test_a_file_of_a_model_that_comes_while_it_is_used(text: Path, encoder: Path, run: Run) -> None:
    pooling = encoder / "1_Pooling"
    pooling.mkdir()

    def comes() -> None:
        (pooling / "config.json").write_text('{"pooling_mode_cls_token": true}')

    _holds(run, text, comes, lambda: (pooling / "config.json").unlink(missing_ok=True))


MODULES = {
    "mine": "def f(record):\n    import helper\n"
    "    return {**record, 'text': helper.word + 'WORD'}\n"
    "def g(record):\n    return {**record, 'text': record['text'] + 'WORD'}\n",
    "helper": "word = 'WORD'\n",
}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_of_the_users_that_changes_while_it_runs(
    module: str, text: Path, run: Run
) -> None:
    """Two stages use it, so a process may still hold what it loaded for the first one."""

    def write(word: str, name: str) -> None:
        (text / f"{name}.py").write_text(MODULES[name].replace("WORD", word))
        os.utime(text / f"{name}.py", (OLD, OLD))

    def back() -> None:
        for name in MODULES:
            write("first", name)

    world.recipe(
        text,
        "jsonl: {path: in.jsonl}",
        "[apply: {function: 'mine:f'}, apply: {function: 'mine:g'}]",
    )
    _holds(run, text, lambda: write("later", module), back)


def test_a_module_that_is_half_written_while_it_runs(text: Path, run: Run) -> None:
    """Its error says nothing of it; the module that rests then does."""
    world.recipe(text, "jsonl: {path: in.jsonl}", "[apply: {function: 'mine:g'}]")
    (text / "mine.py").write_text(MODULES["mine"])
    whole = MODULES["mine"].replace("WORD", "later")
    sleep = runner.Run.again

    def rests(self: runner.Run) -> None:
        (text / "mine.py").write_text(whole)
        sleep(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner.Run, "again", rests)
        found = run("within", lambda: (text / "mine.py").write_text("def g(:"), "chain")
    assert found == _alone(text, run) and found[0][0]["text"].endswith("later")


# --- folders that a single stage is given -------------------------------------------------------


@pytest.fixture
def single(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one stage over a path, with a meddler."""

    def do(
        stage: Any, source: Path, out: str, moment: str = "", meddle: Run = lambda: None
    ) -> Path:
        here = Here(monkeypatch, moment, meddle, "chain")
        monkeypatch.setattr("pipeline.engine.run.LocalExecutor", lambda *_: here)
        run_stage(stage, source, tmp_path / out, 1, 1 << 20)
        return tmp_path / out

    return do


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_corpus_that_is_replaced_while_a_stage_reads_it(
    moment: str, tmp_path: Path, single: Run
) -> None:
    for word in ("first", "later"):
        (tmp_path / f"{word}.jsonl").write_bytes(_jsonl(word))
        seedbed("jsonl", f"{word}.jsonl", "-o", word, cwd=tmp_path)

    def swap() -> None:
        (tmp_path / "first").rename(tmp_path / "aside")
        (tmp_path / "later").rename(tmp_path / "first")

    found = _read(single(Normalize(), tmp_path / "first", "n", moment, swap))
    state = "first" if moment == "after" else "later"  # it had been read, and its content compared
    assert {row["text"].split()[0] for row in found[0]} == {state}
    back = _read(single(Normalize(), tmp_path / "aside", "m"))
    assert {row["text"].split()[0] for row in back[0]} == {"first"}


def _log(path: Path, loss: float) -> None:
    path.write_text("".join(f'{{"step": {n}, "loss": {loss + n / 100}}}\n' for n in range(40)))


@pytest.mark.parametrize("name", ["trainer_log.jsonl", "curve.jsonl"])
def test_a_folder_of_logs_that_changes_while_it_is_read(
    name: str, tmp_path: Path, single: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its files changes, or a new one comes."""
    (tmp_path / "logs").mkdir()
    _log(tmp_path / "logs/trainer_log.jsonl", 1.0)
    read, waits = Diagnose.run, [1]

    def run(self: Diagnose, *given: Any) -> Any:
        summary = read(self, *given)
        if waits:
            waits.clear()
            _log(tmp_path / "logs" / name, 2.0)
        return summary

    with monkeypatch.context() as patch:
        patch.setattr(Diagnose, "run", run)
        found = world.snapshot(single(Diagnose(), tmp_path / "logs", "o"))
    assert not waits
    shutil.rmtree(tmp_path / ".seedbed")
    again = world.snapshot(single(Diagnose(), tmp_path / "logs", "p"))
    assert found == again


def test_a_file_that_never_rests_ends_the_run(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(_csv("first"))
    world.recipe(tmp_path, "csv: {path: in.csv}")
    work = runner.Run.again
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            runner.Run, "again", lambda self: (setattr(self.executor, "waits", True), work(self))
        )
        with pytest.raises(StageFailed, match=r"in\.csv changed while it was read; this was try 3"):
            run("after", lambda: _grown(path, b"more,x\n"))
    assert not list((tmp_path / ".seedbed/objects").glob("*/*/data.arrow"))
