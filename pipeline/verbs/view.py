"""`seedbed view`: a run on a page of this machine, or as one file."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.views.live.content import Content

ABOUT = "look at a run in the browser: flow, records, what left, one record's life, masks, curves"
_PORTS = 65535


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    about = "the folder of a run or corpus; default: the newest run in runs/"
    parser.add_argument("folder", metavar="RUN", type=Path, nargs="?", help=about)
    about = "the port on this machine; default: any that is free"
    parser.add_argument("--port", type=int, default=0, help=about)
    about = "write one file that opens without a server, with a part of the rows, and end"
    parser.add_argument("--export", metavar="FILE", type=Path, help=about)
    about = "at most so many records, and of what left, are in such a file; default 200"
    parser.add_argument("--rows", type=int, default=200, help=about)


def act(given: argparse.Namespace) -> int:
    """Serve the page until somebody ends it, or write it."""
    from pipeline.views.explain import newest_run
    from pipeline.views.live.content import Content
    from stages.errors import UsageError

    if not 0 <= given.port <= _PORTS:
        raise UsageError(f"--port must be between 0 and {_PORTS}, not {given.port}")
    if given.rows < 1:
        raise UsageError(f"--rows must be at least 1, not {given.rows}")
    folder = given.folder or newest_run(Path("runs"))
    if given.export is not None:
        return _write(Content(folder), given.export, given.rows)
    return _serve(folder, given.port)


def _serve(folder: Path, port: int) -> int:
    from pipeline.views.live.server import LOOPBACK, Server
    from stages.errors import UsageError

    try:
        server = Server(folder, port)
    except OSError as error:
        raise UsageError(
            f"port {port} of {LOOPBACK} cannot be used ({error.strerror}): leave out --port, or "
            "name another"
        ) from None
    with server:
        print(f"page       {server.address}")
        if ssh := os.environ.get("SSH_CONNECTION", "").split():
            way = f"{server.server_port}:{LOOPBACK}:{server.server_port}"
            host = ssh[2] if len(ssh) == 4 else "HOST"
            print(f"over SSH   on your own machine: ssh -N -L {way} {host}")
        print("           for this machine alone, for whoever has the address; Ctrl-C ends it")
        sys.stdout.flush()
        server.serve_forever(poll_interval=0.1)
    return 0


def _write(content: Content, path: Path, most: int) -> int:
    from pipeline.views.live.write import MARK, exported
    from stages.charts.live.page import check_ours
    from stages.disk import write_whole

    check_ours(path, MARK)
    begin = time.monotonic()

    def told(done: int, todo: int) -> None:
        nonlocal begin
        if time.monotonic() - begin > 2 and done < todo:
            print(f"view: {done:,} of {todo:,} lives told", file=sys.stderr, flush=True)
            begin = time.monotonic()

    text = exported(content, most, told)
    write_whole(path, text)
    print(f"page       {path}")
    return 0
