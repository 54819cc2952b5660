"""What several modules here read from: a PostgreSQL server of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SECRET = "s3cret-Pa:ss"


class Postgres(NamedTuple):
    """A server on a free port that wants a password. binaries: the folder of its programs."""

    port: int
    binaries: Path

    def run(self, database: str, text: str) -> None:
        import pg8000.native

        connection = pg8000.native.Connection(
            "gardener", password=SECRET, host="127.0.0.1", port=self.port, database=database
        )
        try:
            connection.run(text)
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of its own."""
    with started_postgres() as server:
        yield server


@contextmanager
def started_postgres() -> Iterator[Postgres]:
    """A server without a database of anybody's; skips where there are no programs for one."""
    pytest.importorskip("pg8000")
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        pytest.skip("there are no PostgreSQL binaries to start a server with")
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = {"user": "postgres", "group": "postgres"}
    folder = Path(tempfile.mkdtemp(prefix="seedbed-pg-"))
    found = Postgres(free_port(), binaries[-1].parent)
    try:
        (folder / "password").write_text(SECRET)
        if owner:
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(folder / "password", "postgres", "postgres")
        made = subprocess.run(
            [found.binaries / "initdb", "-D", folder / "data", "-U", "gardener",
             "-A", "scram-sha-256", "--pwfile", folder / "password", "-E", "UTF8",
             "--locale", "C", "-N"],
            capture_output=True, cwd="/", **owner,
        )  # fmt: skip
        if made.returncode:
            pytest.skip(f"initdb failed: {made.stderr.decode()[-200:]}")
        running = subprocess.Popen(
            [found.binaries / "postgres", "-D", folder / "data", "-p", str(found.port),
             "-k", folder, "-F", "-c", "listen_addresses=127.0.0.1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **owner,
        )  # fmt: skip
        try:
            _wait_for(found, running)
            yield found
        finally:
            running.terminate()
            running.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: Postgres, running: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert running.poll() is None, "the server stopped"
        try:
            server.run("postgres", "SELECT 1")
            return
        except Exception:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


class MariaDB(NamedTuple):
    """A server that listens on a socket alone; root needs no password."""

    socket: Path

    def run(self, statement: str, *options: str) -> bytes:
        """What the server's own client prints of a statement."""
        done = subprocess.run(
            ["mariadb", "--no-defaults", "-S", self.socket, "-u", "root",
             "--default-character-set=utf8mb4", *options],
            input=statement.encode(), capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout

    def url(self, database: str, user: str = "root") -> str:
        return f"mysql://{user}@localhost/{database}?host={self.socket}"


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A server of its own."""
    with started_mariadb() as server:
        yield server


@contextmanager
def started_mariadb() -> Iterator[MariaDB]:
    """A server of its own; skips where there is no program for one."""
    programs = ("mariadbd", "mariadb-install-db", "mariadb")
    if not all(map(shutil.which, programs)) or os.geteuid() != 0:
        pytest.skip("there is no MariaDB that could be started")
    folder = Path(tempfile.mkdtemp(prefix="seedbed-mariadb-"))
    try:
        folder.chmod(0o777)
        made = subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={folder}/data",
             "--skip-test-db", "--auth-root-authentication-method=normal"],
            capture_output=True,
        )  # fmt: skip
        if made.returncode:
            pytest.skip(f"mariadb-install-db failed: {made.stderr.decode()[-200:]}")
        running = subprocess.Popen(
            ["mariadbd", "--no-defaults", "--user=mysql", f"--datadir={folder}/data",
             f"--socket={folder}/s", "--skip-networking", "--secure-file-priv=",
             f"--pid-file={folder}/pid", "--innodb-buffer-pool-size=8M"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for _ in range(200):
                if (folder / "s").exists():
                    break
                assert running.poll() is None, "the server stopped"
                time.sleep(0.1)
            yield MariaDB(folder / "s")
        finally:
            running.terminate()
            running.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
