"""A stand-in of a hub's HTTP interface: repositories, previews, large files, commits, downloads."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_standInTokenOfTheTests"
LARGE = 4096  # bytes from which a file goes through the storage of large files


@dataclass
class Repository:
    """What a repository holds."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


@dataclass
class Hub:
    """The repositories, by kind and name, and every request. answers: (part of a path, status)
    of requests that are refused."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    answers: list[tuple[str, int]] = field(default_factory=list)

    def add(self, kind: str, name: str, private: bool = False) -> Repository:
        return self.repositories.setdefault(f"{kind}s/{name}", Repository(private))


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub that listens on loopback."""
    held = Hub()

    class Handler(_Handler):
        hub = held

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *given: Any) -> None:
        """Nothing is written."""

    def _answer(
        self, status: int, value: Any = None, data: bytes | None = None, **more: str
    ) -> None:
        content = json.dumps(value).encode() if data is None else data
        self.send_response(status)
        for name, text in more.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(length)
        path = self.path.partition("?")[0]
        self.hub.requests.append((self.command, path, body))
        for part, status in self.hub.answers:
            if part in path:
                return self._answer(status, {"error": f"refused with {status}"})
        if self.command != "PUT" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401, {"error": "Invalid username or password."})
        self._route(path, body)

    do_GET = do_POST = do_PUT = do_HEAD = _do

    def _route(self, path: str, body: bytes) -> None:
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._answer(200, {"warnings": [], "errors": []})
        if path.startswith("/storage/"):
            self.hub.large[path.rpartition("/")[2]] = body
            return self._answer(200, {})
        if path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self.hub.url}/storage/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            return self._answer(200, {"transfer": "basic", "objects": objects})
        name = next((one for one in self.hub.repositories if self._is_of(path, one)), None)
        if name is None:
            missing = {"X-Error-Code": "RepoNotFound"}
            return self._answer(404, {"error": "not found"}, **missing)
        self._of_repository(self.hub.repositories[name], path, body)

    @staticmethod
    def _is_of(path: str, name: str) -> bool:
        bare = name.removeprefix("models/")
        begins = (f"/api/{name}/", f"/{bare}/")
        return path == f"/api/{name}" or path.startswith(begins)

    def _create(self, asked: dict[str, Any]) -> None:
        owner = asked.get("organization") or "me"
        name = f"{asked.get('type', 'model')}s/{owner}/{asked['name']}"
        url = f"{self.hub.url}/{name.removeprefix('models/')}"
        if name in self.hub.repositories:
            return self._answer(409, {"error": "You already created this repo", "url": url})
        self.hub.repositories[name] = Repository(asked.get("visibility") == "private")
        self._answer(200, {"url": url, "name": f"{owner}/{asked['name']}"})

    def _of_repository(self, found: Repository, path: str, body: bytes) -> None:
        if "/preupload/" in path:
            files = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if one["size"] >= LARGE else "regular",
                    "shouldIgnore": False,
                }
                for one in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})
        elif "/commit/" in path:
            for line in map(json.loads, body.splitlines()):
                self._commit(found, line["key"], line["value"])
            oid = hashlib.sha1(body).hexdigest()
            repository = path.removeprefix("/api/").removeprefix("models/").partition("/commit/")[0]
            url = f"{self.hub.url}/{repository}/commit/{oid}"
            self._answer(200, {"commitOid": oid, "commitUrl": url})
        elif "/resolve/" in path:
            name = path.partition("/resolve/")[2].partition("/")[2]
            if name not in found.files:
                return self._answer(404, {}, **{"X-Error-Code": "EntryNotFound"})
            data = found.files[name]
            etag = f'"{hashlib.sha1(data).hexdigest()}"'
            self._answer(200, data=data, ETag=etag, X_Repo_Commit="0" * 40)
        else:
            siblings = [{"rfilename": name} for name in sorted(found.files)]
            told = {"id": "x", "private": found.private, "siblings": siblings, "sha": "0" * 40}
            tree = [{"type": "file", "path": n, "size": 1, "oid": "0"} for n in sorted(found.files)]
            self._answer(200, tree if "/tree/" in path else told)

    def _commit(self, found: Repository, key: str, value: dict[str, Any]) -> None:
        if key == "header":
            found.messages.append(value["summary"])
        elif key == "file":
            found.files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            found.files[value["path"]] = self.hub.large[value["oid"]]
        elif key == "deletedFile":
            del found.files[value["path"]]
