"""What is nobody's bug never exits 1: disks, rights, names, limits, damage, closed streams."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli, signals
from pipeline.engine import content, lock
from pipeline.executors.tasks import refusal
from pipeline.trouble import told
from stages.errors import StageFailed, UsageError
from tests.pipeline import world
from tests.pipeline.world import COMMAND, environment, seedbed

Command = Callable[..., str]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Do a command in this process, in a folder with a recipe; assert its code, give its words."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    world.lines(tmp_path / "in.jsonl", range(3))
    os.utime(tmp_path / "in.jsonl", (1e9, 1e9))  # old enough for its hash to be remembered
    world.recipe(tmp_path, "jsonl: {path: in.jsonl, name: a}", "[normalize]", workers=1)

    def do(*arguments: str, code: int) -> str:
        capsys.readouterr()
        found = cli.command(arguments)
        out, err = capsys.readouterr()
        assert found == code, err
        assert "Traceback" not in err and "bug of seedbed" not in err
        return str(out + err)

    return do


# --- what the operating system refuses ----------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EACCES, UsageError, "mend its rights"),
        (errno.EPERM, UsageError, "mend its rights"),
        (errno.ENAMETOOLONG, UsageError, "shorter name"),
        (errno.ENOTDIR, UsageError, "a part of the path is a file"),
        (errno.EISDIR, UsageError, "this is a folder"),
        (errno.ELOOP, UsageError, "circle"),
        (errno.ENOSPC, StageFailed, "the disk is full"),
        (errno.EDQUOT, StageFailed, "quota is used up: the disk is full"),
        (errno.EBUSY, StageFailed, "another program uses it"),
        (errno.ETXTBSY, StageFailed, "another program uses it"),
        (errno.ENODEV, StageFailed, "run again when it can be reached"),
        (errno.EIO, StageFailed, "run again when it can be reached"),
        (errno.EMFILE, StageFailed, "ulimit -n"),
        (errno.ENOMEM, StageFailed, "fewer --workers"),
        (errno.ENOLCK, StageFailed, "no locks"),
    ],
)
def test_every_number_has_its_sentence(number: int, kind: type, words: str) -> None:
    found = told(OSError(number, os.strerror(number), "/some/place"))
    assert type(found) is kind and words in str(found) and "/some/place" in str(found)


def test_what_libraries_say_in_words_is_understood() -> None:
    for text in (
        "No space left on device (os error 28)",
        "IO Error: Could not write to file: No space left on device",
    ):
        found = told(Exception(text))
        assert type(found) is StageFailed and "the disk is full" in str(found)


def test_a_bug_stays_a_bug() -> None:
    for error in (ValueError("x"), KeyError("x"), OSError("x"), OSError(errno.EBADF, "x")):
        assert told(error) is None


@pytest.mark.parametrize(
    ("blocks", "inodes", "scarce"),
    [(500, 0, "inodes"), (500, 9, "inodes"), (0, 50, "room"), (3, 50, "room"), (0, 0, "room")],
)
def test_what_ran_out_on_a_full_disk_is_told(
    blocks: int, inodes: int, scarce: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Free of 1,000 blocks and 100 inodes, when what was begun has been removed."""
    free = os.statvfs_result((4096, 4096, 1000, blocks, blocks, 100, inodes, inodes, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: free)
    found = told(OSError(errno.ENOSPC, "No space left on device", "/tmp/x"))
    assert found and "the disk is full" in str(found)
    words = "no room for another file (no inodes are left)" in str(found)
    assert words == (scarce == "inodes")


def test_memory_that_ran_out_is_a_sentence_in_a_worker_too() -> None:
    for error in (MemoryError(), ImportError("x.so: failed to map segment from shared object")):
        answer = refusal(error, "dedup")
        assert (answer["error"], answer["exit_code"]) == ("user", 3)
        assert answer["message"].startswith("dedup: memory ran out")
    assert refusal(ZeroDivisionError(), "dedup")["error"] == "bug"


def test_a_library_that_finds_no_memory_says_so_in_the_error_before() -> None:
    error = OSError("Could not find/load shared object file 'x.so'")
    error.__context__ = OSError("x.so: failed to map segment from shared object")
    assert "memory ran out" in str(told(error))
    thread = Exception("Failed to launch worker thread: Resource temporarily unavailable")
    assert type(told(thread)) is StageFailed and "raise the limit" in str(told(thread))


@pytest.mark.parametrize("limit", [150_000, 250_000])
def test_little_memory_is_one_sentence(limit: int, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"ulimit -v {limit}; exec {shlex.join(COMMAND)} gc"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode in (2, 3) and "Traceback" not in done.stderr, done.stderr


def test_names_and_paths_of_no_use_exit_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "l1").symlink_to("l2")
    (tmp_path / "l2").symlink_to("l1")
    long = "n" * 300
    assert "too long; name another" in command("jsonl", "in.jsonl", "-o", long, code=2)
    assert "not found" in command("jsonl", long, "-o", "o", code=2)
    command("jsonl", "in.jsonl", "-o", "in.jsonl/x", code=2)
    command("jsonl", "in.jsonl", "-o", "l1/x", code=2)
    command("run", "l1", code=2)
    command("run", "t.yaml/x", code=2)
    (tmp_path / "file").write_text("")
    assert "lies in the source" in command("run", "t.yaml", "--store", "in.jsonl/s", code=2)
    for what in ("--store", "--out"):
        told = command("run", "t.yaml", what, "file/s", code=2)
        assert "is no folder" in told or "a part of the path" in told
    assert "shorter name" in command("explain", "x", "--run", long, code=2)
    assert "must be UTF-8" in command("jsonl", "in.jsonl", "-o", "caf\udce9", code=2)
    assert "NUL" in command("jsonl", "in.jsonl", "-o", "a\0b", code=2)
    assert "control characters" in command(
        "jsonl", "in.jsonl", "-o", "o", "--source-name", "a\nb", code=2
    )


# --- damaged files ------------------------------------------------------------------------------

NO_JSON = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"a": 1}']


def test_damaged_accounts_manifests_and_hashes_are_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "_RECENT", 0)
    command("run", "t.yaml", code=0)
    run, hashes = tmp_path / "runs/t", tmp_path / ".seedbed/hashes.json"
    account = json.loads((run / "run.json").read_text())
    step = account["steps"][0]
    wrong: list[Any] = [
        {**account, "steps": 5},
        {**account, "sources": [{}]},
        {**account, "steps": [{**step, "folder": "../.."}]},
        {**account, "steps": [{**step, "parameters": {"no": 1}}]},
        {**account, "steps": [{**step, "counts": {"seen": "x"}}]},
    ]
    for data in [*NO_JSON, *(json.dumps(one).encode() for one in wrong)]:
        (run / "run.json").write_bytes(data)
        assert "run.json is damaged" in command("explain", "in.jsonl:1", code=2)
    gone = {**account, "steps": [{**step, "stage": "none"}]}  # of a package, say, that is not here
    (run / "run.json").write_text(json.dumps(gone))
    assert "run.json: there is no stage 'none'" in command("explain", "in.jsonl:1", code=2)

    manifest = json.loads((run / "corpus/manifest.json").read_text())
    piece = manifest["pieces"][0]
    corpus = tmp_path / "c"
    for name in ("data", "rejects"):
        (corpus / name).mkdir(parents=True)
        (corpus / piece[name]).write_bytes((run / "corpus" / piece[name]).read_bytes())
    wrong = [
        {**manifest, "kind": 5},
        {**manifest, "pieces": [{}]},
        {**manifest, "pieces": []},
        {**manifest, "pieces": [{**piece, "data": "../secret"}]},
        {**manifest, "pieces": [{**piece, "rows": 99}]},
        {**manifest, "pieces": [{**piece, "data": "data/none.arrow"}]},
    ]
    for data in [*NO_JSON, *(json.dumps(one).encode() for one in wrong)]:
        (corpus / "manifest.json").write_bytes(data)
        words = command("dedup", "c", "-o", "o", code=2)
        assert "make" in words and "again" in words
    (corpus / "manifest.json").write_text(json.dumps(manifest))
    (corpus / piece["data"]).write_bytes((corpus / piece["data"]).read_bytes()[:300])
    assert "damaged" in command("dedup", "c", "-o", "o", code=2)

    known = json.loads(hashes.read_text())
    cut = json.dumps({name: row[:2] for name, row in known.items()} | {"/x": [1, 2, 3, 4]})
    for data in [*NO_JSON, cut.encode()]:
        hashes.write_bytes(data)
        assert "kept 3" in command("run", "t.yaml", code=0)


# --- streams, locks, signals --------------------------------------------------------------------


def test_closed_and_full_streams_change_no_exit_code(command: Command, tmp_path: Path) -> None:
    def shell(words: str) -> int:
        script = f"{shlex.join(COMMAND)} {words}"
        return subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment()).returncode

    assert shell("run t.yaml <&- >&- 2>&-") == 0
    assert "(from the store)" in command("run", "t.yaml", code=0)  # nothing went into a wrong file
    assert shell("plan t.yaml 2>/dev/null >/dev/full") == 3
    assert shell("run t.yaml 2>&1 | true; exit ${PIPESTATUS[0]}") == 0
    assert shell("plan none.yaml 2>&-") == 2


def test_a_file_system_without_locks_is_told_once(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", without)
    monkeypatch.setattr(lock, "_told", False)
    words = command("run", "t.yaml", code=0)
    assert words.count("the file system has no locks") == 1
    command("gc", code=0)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGHUP, 75)],
)
def test_a_signal_to_the_whole_group_while_workers_start(
    number: int, code: int, tmp_path: Path
) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize]")
    token = world.new_token()
    process = world.start("run", "t.yaml", cwd=tmp_path, token=token)
    try:
        assert world.wait_until(lambda: len(world.processes(token)) > 1, 60)
        os.killpg(process.pid, number)
        _, words = process.communicate(timeout=60)
    finally:
        world.end(process)
    assert process.returncode == code
    report, end = words.splitlines()
    assert report.startswith("how far it came: ") and end.startswith("seedbed: "), words
    assert world.all_gone(token)


def test_a_temporary_folder_that_is_missing(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(3))
    seedbed("jsonl", "in.jsonl", "-o", "o", cwd=tmp_path, TMPDIR=str(tmp_path / "none"))


def test_a_working_folder_whose_name_is_no_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the file system takes no such name")
    world.lines(folder / "in.jsonl", range(3))
    world.recipe(folder, "jsonl: {path: in.jsonl}")
    seedbed("run", "t.yaml", cwd=folder)
    assert "Question 1?" in seedbed("explain", "in.jsonl:2", cwd=folder).stdout


# --- signals and the working folder -------------------------------------------------------------


def test_a_signal_that_a_library_lost_still_ends_the_command(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(number: int, handler: Any) -> Any:
        def do(_: object) -> int:
            try:
                handler(number, None)
            except BaseException:
                raise AttributeError("half imported, as pandas is then") from None
            return 0

        return do

    monkeypatch.setattr("pipeline.verbs.gc.act", lost(15, signals.stop))
    assert "stopped by SIGTERM" in command("gc", code=75)
    monkeypatch.setattr("pipeline.verbs.gc.act", lost(2, signals.stop))
    assert "interrupted" in command("gc", code=130)


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = 'cd gone && rmdir ../gone && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", COMMAND[0], "-m", "seedbed", "gc"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2 and "the working folder is gone" in done.stderr
    assert "Traceback" not in done.stderr


def test_pipes_in_the_place_of_our_own_files_are_not_waited_for(
    tmp_path: Path, command: Command
) -> None:
    command("run", "t.yaml", code=0)
    store = tmp_path / ".seedbed"
    (store / "hashes.json").unlink(missing_ok=True)
    os.mkfifo(store / "hashes.json")
    manifest = next(store.glob("objects/*/*/manifest.json"))
    manifest.unlink()
    os.mkfifo(manifest)
    command("run", "t.yaml", code=0)
