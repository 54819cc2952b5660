"""`seedbed push`: what is sent, to whom, and what is said when a hub refuses it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline import hub as hubs
from stages.errors import StageFailed, UsageError
from tests.pipeline import hub_stand_in, world
from tests.pipeline.hub_stand_in import TOKEN, Hub
from tests.pipeline.world import HOME, seedbed

pytest.importorskip("huggingface_hub")
pytestmark = pytest.mark.extras


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_stand_in.hub() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, some rejects, and an export."""
    folder = tmp_path_factory.mktemp("made")
    rows = [{"prompt": f"Where is bed {n}?", "completion": f"At {n}. " * 40} for n in range(60)]
    rows += [{"prompt": "Twice?", "completion": "The very same words, twice."}] * 2
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    world.recipe(
        folder,
        "jsonl: {path: in.jsonl, license: CC0-1.0}",
        "[normalize, quality, dedup, split, export]",
    )
    seedbed("run", "t.yaml", cwd=folder)
    return folder / "runs/t"


def push(hub: Hub, folder: Path, *more: str, code: int = 0, **environment: str) -> Any:
    given = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", **environment}
    home = folder.parent / "home"
    done = seedbed("push", folder, *more, cwd=folder.parent, code=code, HF_HOME=str(home), **given)
    assert TOKEN not in done.stdout + done.stderr
    return done


def test_a_corpus_is_sent_whole_and_without_its_rejects(hub: Hub, made: Path) -> None:
    corpus = made / "corpus"
    (corpus / "rejects/mine.txt").write_text("a note of mine")
    done = push(hub, corpus, "me/garden")
    (corpus / "rejects/mine.txt").unlink()
    (repository,) = hub.repositories.values()
    sent = {path.relative_to(corpus).as_posix() for path in corpus.glob("data/*.arrow")}
    assert set(repository.files) == {*sent, "manifest.json", "README.md"}
    for name in (*sent, "manifest.json"):
        assert repository.files[name] == (corpus / name).read_bytes()
    assert "datasets/me/garden" in done.stdout and f"{len(sent) + 2} files" in done.stdout
    front = YAML(typ="safe").load(repository.files["README.md"].decode().split("---\n")[1])
    assert front["license"] == ["cc0-1.0"]
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": "data/*.arrow"}]
    assert repository.messages == ["corpus, made by seedbed"] and not repository.private
    assert hub.large, "large files went through the storage of large files"


def test_an_export_is_sent_with_its_own_card_and_what_an_earlier_one_left_goes(
    hub: Hub, made: Path
) -> None:
    files = made / "files"
    push(hub, made / "corpus", "garden", "--private", "--message", "first")
    (repository,) = hub.repositories.values()
    assert repository.private
    repository.files["mine.md"] = b"the owner's"
    done = push(hub, files, "garden", "--private")
    names = {path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file()}
    assert set(repository.files) == {*names, "mine.md"}
    assert repository.files["README.md"] == (files / "README.md").read_bytes()
    assert "files of an earlier push are gone" in done.stdout
    assert repository.messages == ["first", "files, made by seedbed"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with one small file, as an end stage makes it."""
    return folder_of(tmp_path / "small", "export", "train.jsonl")


def folder_of(folder: Path, kind: str, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"the content of {name}\n")
    manifest = {"made_by": "seedbed", "format": 1, "kind": kind, "files": dict.fromkeys(names, 9)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def send(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Any:
    """The same in this process."""
    monkeypatch.setenv("HF_ENDPOINT", more.pop("endpoint", hub.url))
    # Read once, when the library is first imported: perhaps by a test that sends nothing.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", more.pop("token", TOKEN))
    given = {"private": False, "revision": "main", "message": "m", "name": "me/garden", **more}
    return hubs.send(folder, given.pop("name"), **given)


def test_weights_make_a_model(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path / "x", "adapter", "adapter_model.safetensors", "README.md")
    sent = send(hub, folder, monkeypatch)
    assert set(hub.repositories) == {"models/me/garden"} and sent.files == 3
    assert hub.repositories["models/me/garden"].files["README.md"] == b"the content of README.md\n"


@pytest.mark.parametrize(
    ("part", "status", "error", "words"),
    [
        ("/repos/create", 401, UsageError, "the hub does not know the token in HF_TOKEN"),
        ("/repos/create", 403, UsageError, "may not write to me/garden"),
        ("/repos/create", 404, UsageError, "the hub has no me"),
        ("/preupload/", 403, UsageError, "may not write to me/garden"),
        ("/preupload/", 404, UsageError, "the hub has no me"),
        ("/commit/", 409, UsageError, "me/garden was changed by others meanwhile"),
        ("/commit/", 418, StageFailed, "the hub answers 418"),
    ],
)
def test_what_a_hub_refuses_is_a_sentence(
    hub: Hub,
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    status: int,
    error: type[Exception],
    words: str,
) -> None:
    hub.answers.append((part, status))
    with pytest.raises(error, match=words) as told:
        send(hub, small, monkeypatch)
    assert f"refused with {status}" in str(told.value) and "\n" not in str(told.value)
    assert not any(repository.files for repository in hub.repositories.values())


def test_another_token_is_not_known(hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="does not know the token") as told:
        send(hub, small, monkeypatch, token="hf_ofSomebodyElse")
    assert "hf_ofSomebodyElse" not in str(told.value)


def test_without_a_token_or_a_network_nothing_is_sent(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="HF_TOKEN=hf_"):
        send(hub, small, monkeypatch, token=" ")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(StageFailed, match=f"{nobody} cannot be reached"):
        send(hub, small, monkeypatch, endpoint=nobody)
    done = push(hub, small, "me/garden", code=2, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in done.stderr
    assert not hub.requests


def test_a_public_repository_is_not_written_to_as_a_private_one(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hub.add("dataset", "me/garden")
    with pytest.raises(UsageError, match="me/garden is there and public: nothing was sent"):
        send(hub, small, monkeypatch, private=True)
    assert not found.files


@pytest.mark.parametrize(
    ("folder", "name", "words"),
    [
        ("nowhere", "me/garden", "is not a corpus"),
        ("steps", "me/garden", "is not a corpus"),
        ("corpus", "a b/c", "no name of a repository"),
        ("steps/02-normalize", "me/garden", "rejects alone"),
    ],
)
def test_what_cannot_be_pushed_is_said(
    hub: Hub, made: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        send(hub, made / folder, monkeypatch, name=name)
    assert not any(r.files for r in hub.repositories.values())


@pytest.mark.parametrize("name", ["/etc/hostname", "../secret", "data/../../secret"])
def test_a_manifest_that_names_files_of_others_sends_nothing(
    name: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("the user's own")
    folder = folder_of(tmp_path / "x", "export", "train.jsonl")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": {name: 9}}))
    with pytest.raises(UsageError, match=r"manifest.json is damaged, or another program's"):
        send(hub, folder, monkeypatch)
    assert not hub.requests


@pytest.mark.parametrize("name", ["train.jsonl", "manifest.json", "data/0.arrow", "README.md"])
def test_a_link_is_not_followed(
    name: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "x", "export", "train.jsonl", "README.md")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/0.arrow").write_text("the user's own")
    manifest = json.loads((folder / "manifest.json").read_text())
    if name.startswith("data"):
        manifest["files"] = {name: 9}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        (folder / "data").symlink_to("../theirs")
    else:
        (folder / name).rename(tmp_path / "theirs/file")
        (folder / name).symlink_to("../theirs/file")
    with pytest.raises(UsageError, match="is a link: nothing is sent"):
        send(hub, folder, monkeypatch)
    assert not hub.requests
    (tmp_path / "y").symlink_to(folder)  # the folder itself may be one
    (folder / "data").unlink() if name.startswith("data") else (folder / name).unlink()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(manifest) if name == "manifest.json" else "x")
    assert send(hub, tmp_path / "y", monkeypatch).files > 1


@pytest.mark.parametrize("files", [[7], "x", 7, None, [["a"]]])
def test_a_garbled_manifest_is_told(
    files: object, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "x", "export", "train.jsonl")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": files}))
    with pytest.raises(UsageError, match="is damaged, or another program's"):
        send(hub, folder, monkeypatch)


def test_a_file_that_is_gone_is_said_before_anything_is_sent(
    hub: Hub, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "train.jsonl").unlink()
    with pytest.raises(UsageError, match=r"train\.jsonl is gone"):
        send(hub, small, monkeypatch)
    assert not hub.requests


def test_nothing_else_sends_anything() -> None:
    """No other module of ours calls or takes what sends to a hub."""
    senders = ("create_commit", "upload_file", "upload_folder", "push_to_hub", "create_repo")
    for path in [*HOME.glob("pipeline/**/*.py"), *HOME.glob("stages/**/*.py"), HOME / "seedbed.py"]:
        if path != Path(hubs.__file__):
            text = path.read_text(encoding="utf-8")
            used = rf"\.(?:{'|'.join(senders)})\b|\b(?:{'|'.join(senders)})\("
            assert not re.findall(used, text), path


def test_what_is_the_users_own_stays_at_home(tmp_path: Path) -> None:
    from pipeline.hub import _files_of

    names = ["adapter_model.safetensors", "curve.jsonl", "recorded/probe.arrow", "README.md"]
    for name in (*names, "manifest.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    manifest: Any = {"kind": "adapter", "files": {name: {} for name in names}}
    assert set(_files_of(tmp_path, manifest)) == {*names, "manifest.json"} - {names[2]}
    manifest |= {"files": {names[0]: 2, f"./{names[2]}": 2}, "pieces": [{"data": names[2]}]}
    assert names[2] not in {Path(name).as_posix() for name in _files_of(tmp_path, manifest)}
