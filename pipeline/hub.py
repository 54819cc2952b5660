"""What is sent to a hub, and how: the files that a manifest names, in one commit.

This is the only module that sends anything. Rejects stay here, and so does every file that the
folder's manifest does not name, and every folder that its kind says is the user's own.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from stages import owned, registry
from stages.errors import StageFailed, UsageError
from stages.kinds import Kind
from stages.manifest import MANIFEST, Manifest, read_manifest
from stages.require import OF_HUBS, require

TOKEN = "HF_TOKEN"
CARD = "README.md"
_SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_XET": "1",  # large files go over plain HTTP, which the tests try
}
_MODEL = ".safetensors"  # a folder with weights is a model, every other one a data set


@dataclass(frozen=True)
class Sent:
    """What went where. files: how many; bytes: of all; gone: files of an earlier push that this
    folder does not have."""

    url: str
    files: int
    bytes: int
    gone: int


def send(folder: Path, repository: str, *, private: bool, revision: str, message: str) -> Sent:
    """Send a corpus, an export or an adapter to a repository, which is made where it is not
    there. UsageError for what the user can mend, StageFailed where the hub cannot be reached."""
    manifest = read_manifest(folder)
    files = _files_of(folder, manifest)
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise UsageError(f"push needs a token that may write, in the environment: {TOKEN}=hf_…")
    for name, value in _SETTINGS.items():  # read when the library is loaded
        os.environ.setdefault(name, value)
    hub = require("huggingface_hub", OF_HUBS)
    kinds = require("huggingface_hub.constants", OF_HUBS)
    weights = any(name.endswith(_MODEL) for name in files)
    kind = kinds.REPO_TYPE_MODEL if weights else kinds.REPO_TYPE_DATASET
    with _explained(repository):
        api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
        made = api.create_repo(repository, repo_type=kind, private=private or None, exist_ok=True)
        name = made.repo_id
        if private and api.repo_info(name, repo_type=kind).private is False:
            raise UsageError(f"{name} is there and public: nothing was sent; name another")
        gone = sorted(_earlier(api, hub, name, kind, revision) - {*files, MANIFEST, CARD})
        operations = [
            *(hub.CommitOperationAdd(path, content) for path, content in files.items()),
            *(hub.CommitOperationDelete(path) for path in gone),
        ]
        api.create_commit(
            name, operations, commit_message=message, repo_type=kind, revision=revision
        )
    size = sum(len(c) if isinstance(c, bytes) else c.stat().st_size for c in files.values())
    return Sent(str(made), len(files), size, len(gone))


def _files_of(folder: Path, manifest: Manifest) -> dict[str, Path | bytes]:
    """What is sent: path in the repository → file or content."""
    pieces = [piece["data"] for piece in manifest.get("pieces", []) if "data" in piece]
    kind = _kind(manifest["kind"])
    held = [*manifest.get("files", {}), *pieces]
    names = [name for name in held if PurePosixPath(name).parts[0] not in kind.own]
    if not names:
        raise UsageError(f"{folder} holds rejects alone: there is nothing to send")
    found: dict[str, Path | bytes] = {name: folder / name for name in (*names, MANIFEST)}
    if missing := [name for name in found if not (folder / name).is_file()]:
        raise UsageError(f"{folder}: {missing[0]} is gone; make it again, then push")
    within = owned.resolved(folder)
    for name in found:  # a folder of a stranger's may name what is the user's own
        if owned.resolved(folder / name) != within / name:
            raise UsageError(f"{folder / name} is a link: nothing is sent; put the file there")
    if CARD not in found and (text := kind.card(folder)):
        found[CARD] = text.encode()
    return found


def _kind(name: str) -> Kind:
    """The kind of this name, where a stage makes one."""
    known = {cls.kind.name: cls.kind for _, cls in registry.every()}
    return known.get(name, Kind(name, ""))


def _earlier(api: Any, hub: Any, name: str, kind: str, revision: str) -> set[str]:
    """The files that an earlier push sent, by the manifest that it left."""
    with tempfile.TemporaryDirectory(prefix="seedbed-") as folder:
        try:
            path = api.hf_hub_download(
                name, MANIFEST, repo_type=kind, revision=revision, local_dir=folder
            )
        except hub.errors.EntryNotFoundError:
            return set()
        except hub.errors.HfHubHTTPError as error:
            if error.response.status_code == 404:
                return set()
            raise
        try:
            manifest = json.loads(Path(path).read_bytes())
            if manifest.get("made_by") != "seedbed":
                return set()
            pieces = [piece.get("data") for piece in manifest.get("pieces", [])]
            names = {*manifest.get("files", {}), *filter(None, pieces)}
        except (ValueError, AttributeError, TypeError):
            return set()
        there = api.list_repo_files(name, repo_type=kind, revision=revision)
        return names & {*there}


@contextmanager
def _explained(repository: str) -> Iterator[None]:
    """What a hub or the network refuses, in a sentence."""
    errors = require("huggingface_hub.errors", OF_HUBS)
    http = require("httpx2", OF_HUBS)
    try:
        yield
    except errors.HFValidationError as error:
        raise UsageError(f"{repository}: no name of a repository ({error})") from None
    except errors.OfflineModeIsEnabled:
        raise UsageError("HF_HUB_OFFLINE is set: push needs the network; unset it") from None
    except errors.HfHubHTTPError as error:
        raise _told(repository, error) from None
    except (http.HTTPError, http.InvalidURL, ConnectionError) as error:  # no answer at all
        where = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        raise StageFailed(
            f"{where} cannot be reached ({error or type(error).__name__}): nothing was sent, or "
            "not all; push again when there is a network"
        ) from None


def _told(repository: str, error: Any) -> UsageError | StageFailed:
    """The answer of a hub as one of our errors."""
    status = getattr(error.response, "status_code", 0)
    owner = repository.partition("/")[0] if "/" in repository else "your account"
    why = {
        400: "the hub refuses the request",
        401: f"the hub does not know the token in {TOKEN}: make one that may write",
        403: f"the token in {TOKEN} may not write to {repository}: give it that right",
        404: f"the hub has no {owner}, or the token in {TOKEN} may not see {repository}",
        409: f"{repository} was changed by others meanwhile, or its name is taken: push again",
        413: "the hub says that this is too large",
        429: "the hub wants a pause: push again later",
    }.get(status)
    said = f" (it says: {error.server_message})" if error.server_message else ""
    if why is not None:
        return UsageError(f"{why}{said}; nothing was committed")
    return StageFailed(f"the hub answers {status}{said}: nothing was committed; push again later")
