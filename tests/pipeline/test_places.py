"""Nobody's files are removed by a run, a stage or gc; what would do so is said before it begins."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stages
from pipeline import cli, signals
from pipeline.engine import places, shown
from pipeline.engine.keys import hash_of
from pipeline.engine.run import run_recipe, run_stage
from pipeline.engine.store import Store
from pipeline.recipe.checked import read_recipe
from stages import owned
from stages.corpus import Corpus, sha256_of
from stages.errors import UsageError
from tests.pipeline import world
from tests.pipeline.test_run import Lying
from tests.pipeline.world import seedbed
from tests.test_owned import corpus, everything

Refused = Callable[..., str]


@pytest.fixture
def refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Refused:
    """Calls the command in tmp_path: exit 2, the words are told, nothing at all has changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)

    def call(*arguments: str | Path, words: str) -> str:
        before = everything(tmp_path)
        code = cli.command([str(one) for one in arguments])
        told = capsys.readouterr().err
        assert code == 2, told
        assert re.search(words, told), told
        assert "Traceback" not in told
        after = everything(tmp_path)
        assert after == before, sorted({*after} ^ {*before})
        return told

    return call


def _run(folder: Path, name: str = "t.yaml") -> Path:
    """A run in this process."""
    return run_recipe(read_recipe(folder / name), Lying("none")).folder


def _world(folder: Path, steps: str = "[normalize]") -> Path:
    world.lines(folder / "in.jsonl", range(5))
    return world.recipe(folder, "jsonl: {path: in.jsonl}", steps)


# --- a single stage's output --------------------------------------------------------------------


def test_a_stage_replaces_no_folder_of_others(tmp_path: Path, refused: Refused) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "app/src").mkdir(parents=True)
    (tmp_path / "app/manifest.json").write_text('{"name": "my web app"}')
    (tmp_path / "app/src/main.js").write_text("code")
    told = refused("jsonl", "in.jsonl", "-o", "app", words="no manifest of seedbed's")
    assert "manifest.json, src/main.js" in told and "name another folder" in told
    (tmp_path / "LINK").symlink_to("app")
    refused("jsonl", "in.jsonl", "-o", "LINK", words="src/main.js")
    refused("jsonl", "in.jsonl", "-o", "app/manifest.json", words="is a file")
    refused("jsonl", "in.jsonl", "-o", "app/manifest.json/out", words="manifest.json is no folder")
    refused("jsonl", "in.jsonl", "-o", "in.jsonl", words="in.jsonl is a file")
    refused("jsonl", "in.jsonl", "-o", ".", words="lies above the input in.jsonl")
    refused("jsonl", "in.jsonl", "-o", "..", words="lies above the input in.jsonl")
    (tmp_path / "circle").symlink_to("circle")
    refused("jsonl", "in.jsonl", "-o", "circle", words="leads in a circle")
    corpus(tmp_path / "data")
    (tmp_path / "data/data/thesis.txt").write_text("mine")
    refused("jsonl", "in.jsonl", "-o", "data", words=r"did not put there: data/thesis\.txt")


def test_a_stage_writes_neither_over_nor_into_nor_around_its_input(
    tmp_path: Path, refused: Refused
) -> None:
    world.pages(tmp_path / "site/sub", range(2))
    for out, words in (
        ("site", "is the input site"),
        ("site/../site/", "is the input site"),
        ("site/out", "lies in the input site"),
        (str(tmp_path), "lies above the input site"),
    ):
        refused("html", "site", "-o", out, words=words)
    (tmp_path / "link").symlink_to("site")
    refused("html", "link", "-o", "site/out", words="lies in the input link")
    refused("html", "site", "-o", "link/new", words="lies in the input site")
    refused("html", "site/**/*.html", "-o", "site/out", words="lies in the input")
    refused("html", "site/*/*.html", "-o", "site/sub", words="lies in the input")
    refused("html", "site/sub/*.html", "-o", "site", words="lies above the input")
    corpus(tmp_path / "C")
    for out, words in (("C", "is"), ("C/sub", "lies in"), (".", "lies above")):
        refused("normalize", "C", "-o", out, words=f"{words} the input .*C, which stays as it is")
        refused("export", "C", "-o", out, words=f"{words} the input .*C, which stays as it is")
    (tmp_path / "again").symlink_to("C")
    refused("normalize", "C", "-o", "again", words="again is the input")
    refused("normalize", "again", "-o", "C", words="C is the input")


def test_which_folders_a_pattern_reads(tmp_path: Path) -> None:
    world.pages(tmp_path / "a/b", range(1))
    root = str(tmp_path)
    for pattern, inside, beside in (
        ("a/b/*.html", [], ["a/b/out", "a/out", "out"]),
        ("a/*/*.html", ["a/out"], ["a/out/deep", "a/.out", "out"]),
        ("a*/**/*.html", ["a/b/c/d", "ab"], ["out", "a/.hidden/out"]),
        ("[a]/**", ["a/x"], ["b/x"]),
        ("*/../a/*.html", ["out", "a/x"], []),
    ):
        for name in inside:
            assert places.relation_to(tmp_path / name, f"{root}/{pattern}") == "lies in", name
        for name in beside:
            assert places.relation_to(tmp_path / name, f"{root}/{pattern}") is None, name
        assert places.relation_to(tmp_path, f"{root}/{pattern}") == "lies above"
    assert places.relation_to(tmp_path / "a/.seedbed", f"{root}/a") is None, "not read by a folder"
    assert places.relation_to(tmp_path, "postgresql://h/db") is None


def test_an_output_beside_or_in_what_is_no_store_of_ours(tmp_path: Path, refused: Refused) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "a/.seedbed/objects").mkdir(parents=True)
    (tmp_path / "a/.seedbed/objects/seed").write_text("mine")
    told = refused("jsonl", "in.jsonl", "-o", "a/out", words="no store of seedbed's")
    assert "holds objects" in told and "another place for the output" in told
    Store(tmp_path / "b/.seedbed")
    refused("jsonl", "in.jsonl", "-o", "b/.seedbed/out", words="lies in .*, a store of seedbed's")
    refused("jsonl", "in.jsonl", "-o", "b/.seedbed", words="b/.seedbed is a store")
    corpus(tmp_path / "C")
    refused("jsonl", "in.jsonl", "-o", "C/data/sub", words="lies in .*/C, a corpus of seedbed's")
    refused("jsonl", "in.jsonl", "-o", "c/.seedbed", words="is the place of the store")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/.seedbed").write_text("a file of mine")
    refused("jsonl", "in.jsonl", "-o", "d/out", words=r"\.seedbed is no folder")


def test_a_link_stays_a_link_and_what_it_leads_to_is_made(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    (tmp_path / "disk/sub").mkdir(parents=True)
    (tmp_path / "LINK").symlink_to("disk/new")
    (tmp_path / "parent").symlink_to("disk/sub")
    for out, real in (("LINK", "disk/new"), ("parent/out", "disk/sub/out")):
        seedbed("jsonl", "in.jsonl", "-o", out, cwd=tmp_path)
        assert len(Corpus(tmp_path / real)) == 3
        hashes = {"a": sha256_of(tmp_path / "in.jsonl")}
        other = {"made_by": "seedbed", "format": 1, "files": {"a": 1}, "hashes": hashes}
        shown.show(tmp_path / out, other, {"a": tmp_path / "in.jsonl"})
        assert owned.names_in(tmp_path / real) == {"manifest.json", "a"}, "it was replaced"
    assert os.readlink(tmp_path / "LINK") == "disk/new"
    assert os.readlink(tmp_path / "parent") == "disk/sub"
    assert {path.name for path in (tmp_path / "disk").iterdir()} == {"sub", "new", ".seedbed"}


def test_a_model_is_not_replaced_by_what_it_makes(tmp_path: Path) -> None:
    """A folder of ours that a stage reads as its model is an input too."""

    class Reads:
        name = "reads"

        def resources(self) -> tuple[Path, ...]:
            return (tmp_path / "model/data/00000.arrow",)

    corpus(tmp_path / "model")
    corpus(tmp_path / "in")
    before = everything(tmp_path)
    with pytest.raises(UsageError, match=r"lies above .*00000\.arrow, which reads reads"):
        places.check_out(tmp_path / "model", Reads(), tmp_path / "in")  # type: ignore[arg-type]
    assert everything(tmp_path) == before


# --- the folder of a run ------------------------------------------------------------------------


def test_a_recipe_whose_run_would_cover_what_it_reads(tmp_path: Path, refused: Refused) -> None:
    world.pages(tmp_path / "data/corpus", range(2))
    (tmp_path / "data/corpus/notes.txt").write_text("mine")

    def recipe(source: str, run: str, name: str = "data") -> None:
        (tmp_path / "t.yaml").write_text(
            f"version: 1\nname: {name}\nsources:\n  - html: {source}\nrun: {run}\n"
        )

    for source, run, name, words in (
        ("data/corpus", "{out: .}", "data", r"t\.yaml:4:5: .*lies above the source data/corpus"),
        ("data/corpus", "{out: data}", "corpus", r"t\.yaml:4:5: .* is the source data/corpus"),
        ("data", "{out: data/corpus}", "t", "lies in the source data"),
        ("data/**/*.html", "{out: data}", "t", "lies in the source"),
        ("data/corpus", "{out: link}", "t", "lies in the source data/corpus"),
        ("data/corpus", "{out: .., name: x}", "t", "has no key 'name'"),
        ("data/corpus", "{out: ..}", tmp_path.name, "lies above the source"),
        ("data/corpus", "{out: .seedbed}", "t", r"t\.yaml:5:1: .*lies in the store"),
        ("data/corpus", "{out: .}", ".seedbed", "is the store"),
        ("data/corpus", "{store: runs/t/corpus}", "t", "lies above the store"),
        ("data/corpus", "{store: data}", "t", "the store .*lies above the source"),
        ("data/corpus", "{store: data/corpus/store}", "t", "the store .*lies in the source"),
        ("data/corpus", "{store: t.yaml}", "t", "the store .* is the recipe"),
        ("data/corpus", "{out: t.yaml}", "t", "lies in the recipe"),
    ):
        if not (tmp_path / "link").is_symlink():
            (tmp_path / "link").symlink_to("data/corpus")
        recipe(source, run, name)
        refused("run", "t.yaml", words=words)
        refused("plan", "t.yaml", words=words)
    recipe("data/corpus", "{out: .}")
    refused(
        "run", "t.yaml", "--out", "data", "--store", "data/corpus/s", words="lies in the source"
    )
    recipe("data/corpus", "{}")
    refused("run", "t.yaml", "--store", ".", words="the store .*lies above the source")


def test_a_right_place_in_the_call_mends_a_wrong_one_in_the_recipe(tmp_path: Path) -> None:
    world.lines(tmp_path / "data/in.jsonl", range(3))
    (tmp_path / "t.yaml").write_text(
        "version: 1\nname: data\nsources:\n  - jsonl: data\nrun: {out: .}\n"
    )
    recipe = read_recipe(tmp_path / "t.yaml", {"out": str(tmp_path / "runs")})
    assert run_recipe(recipe, Lying("none")).folder == tmp_path / "runs/data"
    with pytest.raises(UsageError, match="lies in the source"):
        run_recipe(read_recipe(tmp_path / "t.yaml", {"out": "data/x"}), Lying("none"))


def test_a_hidden_store_below_a_source_is_fine(tmp_path: Path) -> None:
    world.lines(tmp_path / "data/in.jsonl", range(3))
    (tmp_path / "data/t.yaml").write_text(
        "version: 1\nname: t\nsources:\n  - jsonl: .\nrun: {out: ../runs}\n"
    )
    assert _run(tmp_path / "data") == tmp_path / "runs/t"
    assert owned.is_marked(tmp_path / "data/.seedbed", owned.STORE)


def test_a_run_takes_no_folder_that_is_not_its_own(tmp_path: Path, refused: Refused) -> None:
    _world(tmp_path)
    (tmp_path / "runs/t/corpus").mkdir(parents=True)
    (tmp_path / "runs/t/corpus/poems.txt").write_text("mine")
    told = refused("run", "t.yaml", words="no run of seedbed's")
    assert "holds corpus: it is left as it is; name another `out` or `name`" in told
    refused("plan", "t.yaml", words="no run of seedbed's")
    shutil.rmtree(tmp_path / "runs")
    (tmp_path / "runs").write_text("a file of mine")
    refused("run", "t.yaml", words="runs is no folder; name another")
    (tmp_path / "runs").unlink()
    (tmp_path / "store.git/objects").mkdir(parents=True)
    (tmp_path / "store.git/objects/pack").write_text("mine")
    refused("run", "t.yaml", "--store", "store.git", words="no store of seedbed's")
    refused("run", "t.yaml", "--store", "in.jsonl/x", words="the store .*lies in the source")
    refused("run", "t.yaml", "--store", "t.yaml/x", words="the store .*lies in the recipe")


def test_a_note_in_a_runs_folder_is_kept_and_told(tmp_path: Path, refused: Refused) -> None:
    _world(tmp_path)
    folder = _run(tmp_path)
    assert owned.is_marked(folder, owned.RUN)
    (folder / "mine").mkdir()
    (folder / "mine/note").write_text("in nobody's way")
    before = everything(folder)
    _run(tmp_path)
    changed = {name for name, what in everything(folder).items() if before.get(name) != what}
    assert changed <= {"run.json", "events.jsonl", "report.html"}
    for note in (
        "corpus/note.txt",
        "corpus/data/00000.arrow.bak",
        "steps/01-jsonl/sub/note",
        "steps/02-normalize/.git/config",
    ):
        (folder / note).parent.mkdir(parents=True, exist_ok=True)
        (folder / note).write_text("mine")
        label = "/".join(note.split("/")[: 2 if note.startswith("steps") else 1])
        inside = re.escape(note.removeprefix(label + "/"))
        words = f"{label} holds what seedbed did not put there: .*{inside.partition('/')[0]}"
        refused("run", "t.yaml", words=words)
        refused("plan", "t.yaml", words=words)
        (folder / note).unlink()
        for parent in (folder / note).parents:
            if not any(parent.iterdir()):
                parent.rmdir()
    _run(tmp_path)
    for name in ("run.json", "report.html", "events.jsonl"):
        (folder / name).rename(tmp_path / "kept")
        (folder / name).symlink_to(tmp_path / "in.jsonl")
        refused("run", "t.yaml", words=f"{name} is no plain file, and the run writes one there")
        (folder / name).unlink()
        (folder / name).mkdir()
        refused("run", "t.yaml", words=f"{name} is no plain file")
        (folder / name).rmdir()
        (tmp_path / "kept").rename(folder / name)
    shutil.rmtree(folder / "steps")
    (folder / "steps").write_text("a file of mine")
    refused("run", "t.yaml", words="steps is no folder, and the run makes one there")


def test_folders_of_a_run_may_be_links_and_stay_so(tmp_path: Path, refused: Refused) -> None:
    _world(tmp_path)
    for name in ("disk/run", "disk/steps", "disk/corpus"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/t").symlink_to("../disk/run")
    folder = _run(tmp_path)
    assert folder == tmp_path / "disk/run"
    for name in ("steps", "corpus"):
        shutil.rmtree(folder / name)
        (folder / name).symlink_to(f"../{name}")
    _run(tmp_path)
    assert os.readlink(folder / "steps") == "../steps" and os.readlink(folder / "corpus")
    assert len(Corpus(tmp_path / "disk/corpus")) == len(Corpus(tmp_path / "disk/steps/01-jsonl"))
    (tmp_path / "disk/corpus/note").write_text("mine")
    refused("run", "t.yaml", words="disk/corpus holds what seedbed did not put there: note")
    (tmp_path / "disk/corpus/note").unlink()
    (folder / "corpus").unlink()
    (folder / "corpus").symlink_to(tmp_path)
    refused("run", "t.yaml", words="lies above the source in.jsonl; .*corpus leads there")
    (folder / "corpus").unlink()
    (folder / "corpus").symlink_to("../steps/01-jsonl")
    refused("run", "t.yaml", words="lead folders of the run into one another")
    (folder / "corpus").unlink()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").write_text("mine")
    (folder / "corpus").symlink_to("../../photos")
    refused("run", "t.yaml", words="photos holds cat.jpg and no manifest of seedbed's")


def test_runs_keep_out_of_each_others_folders_and_out_of_stores(
    tmp_path: Path, refused: Refused
) -> None:
    _world(tmp_path)
    _run(tmp_path)
    for out, words in (
        ("runs/t", "lies in .*runs/t, a run of seedbed's"),
        ("runs/t/steps", "lies in .*runs/t, a run of seedbed's"),
        ("other/.seedbed/objects", "lies in .*, a store of seedbed's"),
    ):
        Store(tmp_path / "other/.seedbed")
        world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize]", name="steps")
        refused("run", "steps.yaml", "--out", out, words=words)
    refused("run", "t.yaml", "--store", "other/.seedbed/more", words="a store of seedbed's")
    (tmp_path / "runs/elsewhere").mkdir()
    owned.claim(tmp_path / "runs/elsewhere", owned.RUN)
    refused("run", "t.yaml", "--store", "runs/elsewhere/s", words="a run of seedbed's")
    corpus(tmp_path / "C")
    refused("run", "t.yaml", "--out", "C", words="lies in .*/C, a corpus of seedbed's")
    refused("run", "t.yaml", "--store", "C/store", words="lies in .*/C, a corpus of seedbed's")
    text = (tmp_path / "t.yaml").read_text()
    for name in ("../../../x", "a/../../b", "/x", ".."):
        (tmp_path / "t.yaml").write_text(text.replace("in.jsonl", f"in.jsonl, name: '{name}'"))
        refused("run", "t.yaml", words=r"t\.yaml:5:\d+: .*name must")


def test_an_events_file_that_others_hold_by_a_hard_link_is_not_cut(tmp_path: Path) -> None:
    _world(tmp_path)
    folder = _run(tmp_path)
    shutil.copytree(folder, tmp_path / "backup", copy_function=os.link)
    before = everything(tmp_path / "backup")
    (tmp_path / "in.jsonl").unlink()
    world.lines(tmp_path / "in.jsonl", range(7))
    _run(tmp_path)
    assert len(Corpus(folder / "corpus")) == 7
    assert everything(tmp_path / "backup") == before


# --- at the moment of replacing -----------------------------------------------------------------


def _shown(folder: Path, text: str) -> None:
    source = folder.parent / f"{text}.source"
    source.write_text(text)
    hashes = {"a": sha256_of(source)}
    manifest = {"made_by": "seedbed", "format": 1, "files": {"a": len(text)}, "hashes": hashes}
    shown.show(folder, manifest, {"a": source})


def test_what_is_laid_down_while_a_folder_is_replaced_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shown"
    _shown(folder, "one")
    looks = owned.check_replaceable
    after = iter([False, True])

    def look(path: Path) -> None:
        looks(path)
        if next(after):  # somebody saves a file right after the last look
            (folder / "note").write_text("mine")

    monkeypatch.setattr(owned, "check_replaceable", look)
    with pytest.raises(owned.Foreign, match="shown holds what seedbed did not put there: note"):
        _shown(folder, "two")
    assert (folder / "note").read_text() == "mine" and (folder / "a").read_text() == "one"
    assert {path.name for path in tmp_path.iterdir()} == {"shown", "one.source", "two.source"}


def test_a_folder_of_others_that_cannot_be_put_back_is_kept_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shown"
    _shown(folder, "one")
    names = owned.names_in

    def look(path: Path) -> set[str]:
        if path.name.startswith(".old-"):  # both somebody and another run were faster
            (path / "note").write_text("mine")
            _shown(folder, "other")
        return names(path)

    monkeypatch.setattr(owned, "names_in", look)
    with pytest.raises(
        owned.Foreign, match=r"note.* \(what was in .*shown is now .*\.old-"
    ) as told:
        _shown(folder, "two")
    monkeypatch.undo()
    aside = Path(str(told.value).rpartition("is now ")[2].rstrip(")"))
    assert (aside / "note").read_text() == "mine" and (folder / "a").read_text() == "other"
    dead = tmp_path / f".old-{2**22 - 3}-00aa11bb"
    aside.rename(dead)
    shown.sweep(tmp_path)
    assert (dead / "note").read_text() == "mine", "no later run sweeps it"


def test_sweep_removes_what_is_ours_of_the_dead_and_nothing_else(tmp_path: Path) -> None:
    dead, alive = 2**22 - 3, os.getpid()
    (tmp_path / "steps").mkdir()
    for name in (f".new-{dead}-00aa11bb", f"steps/.old-{dead}-00aa11bb", f".new-{alive}-00aa11bb"):
        _shown(tmp_path / name, "one")
    (tmp_path / f".new-{dead}-00aa11cc").mkdir()
    (tmp_path / f".new-{dead}-00aa11dd").mkdir()
    (tmp_path / f".new-{dead}-00aa11dd/manifest.json").write_text('{"cut')
    for name in (f".new-mine-{dead}-beef", f".old-{dead}-00aa11ee", f".old-{dead}-00aa11ff-x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note").write_text("mine")
    (tmp_path / f".new-{dead}-00aa11ab").symlink_to("steps")
    (tmp_path / f".old-{dead}-00aa11ac").write_text("mine")
    shown.sweep(tmp_path)
    assert {path.name for path in tmp_path.glob(".*")} == {
        f".new-{alive}-00aa11bb",
        f".new-mine-{dead}-beef",
        f".old-{dead}-00aa11ee",
        f".old-{dead}-00aa11ff-x",
        f".new-{dead}-00aa11ab",
        f".old-{dead}-00aa11ac",
    }
    assert [path.name for path in (tmp_path / "steps").iterdir()] == ["one.source"]


# --- stores -------------------------------------------------------------------------------------


def test_gc_touches_marked_stores_alone(tmp_path: Path, refused: Refused) -> None:
    key = "ab" + "0" * 62
    (tmp_path / f".git/objects/ab/{key}").mkdir(parents=True)
    (tmp_path / f".git/objects/ab/{key}/data").write_text("mine")
    (tmp_path / ".git/work").mkdir()
    (tmp_path / f".git/work/{key}").write_text("mine")
    (tmp_path / "file").touch()
    for store in (".git", ".", "nowhere", "file", str(Path.home())):
        words = r"is not a store of seedbed's: it has no \.seedbed-store"
        refused("gc", "--store", store, "--keep", "0", words=words)
    refused("gc", "--store", ".git/objects/..", words="is not a store")


def test_no_output_in_the_place_of_a_store(tmp_path: Path, refused: Refused) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    refused("jsonl", "in.jsonl", "-o", ".seedbed/out", words="the place of a store")


# --- what stays as it was -----------------------------------------------------------------------


def test_every_folder_that_is_shown_says_who_made_it(tmp_path: Path) -> None:
    _world(tmp_path, "[split, export]")
    folder = _run(tmp_path)
    found = sorted(folder.rglob("manifest.json"))
    assert len(found) == 5
    for path in found:
        assert json.loads(path.read_text())["made_by"] == "seedbed"
        names = owned.names_in(path.parent)
        assert names == {n for n, what in everything(path.parent).items() if what is not None}
    (folder / "files/README.md").unlink()
    (folder / "corpus/manifest.json").unlink()
    _run(tmp_path)
    assert (folder / "files/README.md").exists() and Corpus.at(folder / "corpus")


def test_a_card_that_somebody_has_worked_on_is_kept(tmp_path: Path, refused: Refused) -> None:
    _world(tmp_path, "[split, export]")
    folder = _run(tmp_path)
    card = folder / "files/README.md"
    text = card.read_text()
    for changed in (text + "and what I know of it\n", text[:-2] + "!\n"):
        card.unlink()  # an editor writes a new file in place of one that is only to be read
        card.write_text(changed)
        refused("run", "t.yaml", words=r"did not put there: README\.md \(changed since\)")
    card.unlink()
    card.write_text(text)
    _run(tmp_path)
    out = tmp_path / "exported"
    stages.stage("export")()(folder / "corpus", out)
    assert "README.md" in owned.names_in(out)
    manifest = Corpus(out).manifest
    assert manifest["sha256"] == hash_of(manifest["hashes"]), "as an entry of the store has it"
    (out / "README.md").write_text(text + "!")
    refused("export", folder / "corpus", "-o", out, words=r"README\.md \(changed since\)")


def test_a_stage_goes_on_to_replace_its_own_output(tmp_path: Path) -> None:
    source = corpus(tmp_path / "in")
    stage = stages.stage("normalize")()
    run_stage(stage, source, tmp_path / "out", 1, 1 << 20)
    before = everything(tmp_path / "out")
    manifest = tmp_path / "out/manifest.json"
    manifest.write_text(manifest.read_text().replace('"label": "normalize"', '"label": "x"'))
    run_stage(stage, source, tmp_path / "out", 1, 1 << 20)
    assert everything(tmp_path / "out") == before


class _World:
    """A shown folder, and somebody who lays things into it; `mine` is what must never go."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder / "run/shown", chance
        self.ours = folder / "ours"
        self.ours.write_text("ours")
        self.outside = folder / "outside/precious"
        self.outside.parent.mkdir()
        self.outside.write_text("mine")
        self.mine = {self.outside}
        if chance.random() < 0.5:
            owned.claim(self.folder.parent, owned.RUN)
        self.show()

    def show(self) -> None:
        pieces = self.chance.randint(0, 4)
        names = [f"data/{number:05d}.arrow" for number in range(pieces)] + ["x/y/z"][: pieces % 2]
        manifest = {"made_by": "seedbed", "format": 1, "files": dict.fromkeys(names, 4)}
        shown.show(self.folder, manifest, dict.fromkeys(names, self.ours))

    def lay(self) -> None:
        folders = [p for p in self.folder.rglob("*") if p.is_dir() and not p.is_symlink()]
        path = self.chance.choice([self.folder, *folders])
        path /= self.chance.choice(["n", ".h", "00009.arrow", "manifest.json", "data", "x"])
        if not os.path.lexists(path):
            what = self.chance.choice(["file", "folder", "link"])
            if what == "file":
                path.write_text("mine")
                self.mine.add(path)
            elif what == "folder":
                path.mkdir()
            else:
                path.symlink_to(self.outside.parent)

    def lose(self) -> None:
        for path in list(self.folder.glob(self.chance.choice(["manifest.json", "data/*"])))[:1]:
            if path.resolve() not in self.mine and path.is_file():
                path.unlink()


@settings(max_examples=50)
@given(seed=st.integers(0, 1 << 32))
def test_whatever_is_laid_into_a_shown_folder_stays(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = _World(Path(folder), random.Random(seed))
        for _ in range(8):
            step = world.chance.choice([world.lay, world.lose, world.show, world.show])
            with contextlib.suppress(owned.Foreign):
                step()
            shown.sweep(world.folder.parent)
            assert all(path.read_text() == "mine" for path in world.mine)
            assert not list(world.folder.parent.glob(".[no]*"))
