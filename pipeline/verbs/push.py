"""`seedbed push FOLDER REPOSITORY`: a corpus, an export or an adapter sent to a hub."""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT = "send what a run made to the Hugging Face hub; nothing else in seedbed sends anything"


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.description = (
        "Sends the files that the folder's manifest names, and its card, in one commit: no "
        "rejects, nothing else that lies there. The repository is made where it is not there: a "
        "model for a folder with weights, else a data set. The token is read from HF_TOKEN alone; "
        "HF_ENDPOINT names another hub."
    )
    parser.add_argument("folder", type=Path, help="a corpus, an export, an adapter")
    parser.add_argument("repository", help="OWNER/NAME, or NAME in your own account")
    parser.add_argument(
        "--private",
        action="store_true",
        help="make the repository private; one that is there and public is refused",
    )
    parser.add_argument("--revision", default="main", help="the branch; default: main")
    parser.add_argument("--message", default="", help="of the commit; default: what is sent")


def act(given: argparse.Namespace) -> int:
    """Send, and tell what went where."""
    from pipeline.hub import send
    from stages.words import number, size

    message = given.message or f"{given.folder.name}, made by seedbed"
    sent = send(
        given.folder,
        given.repository,
        private=given.private,
        revision=given.revision,
        message=message,
    )
    more = f"; {number(sent.gone)} files of an earlier push are gone" if sent.gone else ""
    print(f"{sent.url}: {number(sent.files)} files, {size(sent.bytes)}{more}")
    return 0
