"""The server of the page: this machine alone, for those who have the address.

The standard library's server is enough for one person on loopback: it serves no files, only the
answers of `Content`. Its address holds a random token; besides that it looks at the Host header, so
that no name that was made to lead here reaches it, and refuses what a page of another origin asks.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pipeline.trouble import told
from pipeline.views.live.content import PAGE, Content, stamp_of
from pipeline.views.live.query import Query, words_in
from pipeline.views.live.tables import NAMES
from pipeline.views.live.write import served
from stages.charts.live.page import policy_of
from stages.errors import UsageError
from stages.secrets import masked

LOOPBACK = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SILENCE = "default-src 'none'; frame-ancestors 'none'"
Given = Mapping[str, str]


class Server(ThreadingHTTPServer):
    """Serves one folder until it is closed."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, folder: Path, port: int = 0) -> None:
        """Raises OSError where the port is taken. port: 0 for any that is free."""
        self.folder = folder
        self.token = secrets.token_urlsafe(24)
        self._content = Content(folder)
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, port), _Handler)
        self.page = str(served()).encode()
        self.policy = f"{policy_of(self.page.decode())}; frame-ancestors 'none'"
        threading.Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        try:
            self._content.warm()
        except Exception as error:  # whoever asks for it is told then
            print(f"seedbed: {masked(str(error))}", file=sys.stderr)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def content(self) -> Content:
        """What the folder holds now; UsageError where it is gone."""
        with self._lock:
            if stamp_of(self.folder) != self._content.stamp:
                self._content = Content(self.folder)
            return self._content

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no trouble."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 30
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer, if the asker knows the token."""
        status = self._refused()
        if status is not None:
            self._send(status, b"", "text/plain")
            return
        split = urlsplit(self.path)
        what = split.path.removeprefix(f"/{self.server.token}/")
        if not what:
            self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
            return
        if what not in ANSWERS:
            self._send(HTTPStatus.NOT_FOUND, b"", "text/plain")
            return
        try:
            pairs = parse_qsl(split.query, keep_blank_values=True, errors="replace")
            facets = [(name[2:], value) for name, value in pairs if name.startswith("f.")]
            content = self.server.content()
            value = ANSWERS[what](content, dict(pairs), facets)
            status, value = HTTPStatus.OK, {"value": value, "stamp": content.stamp}
        except Exception as error:  # the border of a request: it costs that request alone
            known = told(error)
            words = known.messages if known else [f"this is a bug of seedbed: {error!r}"]
            gone = HTTPStatus.GONE if known else HTTPStatus.INTERNAL_SERVER_ERROR
            status, value = gone, {"error": masked("; ".join(words))}
        body = json.dumps(value, separators=(",", ":"), default=str).encode()
        self._send(status, body, "application/json")

    def _refused(self) -> HTTPStatus | None:
        """What is answered to those who are not meant to ask."""
        hosts = [f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost")]
        if self.headers.get_all("Host", []) not in [[host] for host in hosts]:
            return HTTPStatus.FORBIDDEN
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return HTTPStatus.FORBIDDEN
        token, slash, _ = self.path.removeprefix("/").partition("/")
        same = hmac.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode())
        return None if same and slash else HTTPStatus.FORBIDDEN

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response_only(status)
        page = kind.startswith("text/html")
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", self.server.policy if page else _SILENCE)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Nothing but the number: what was asked is not sent back."""
        self.close_connection = True
        wrong = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else code
        self._send(HTTPStatus(wrong), b"", "text/plain")

    def log_message(self, format: str, *args: object) -> None:
        """Addresses hold the token: none is written down."""


# --- what may be asked ----------------------------------------------------------------------------


def _table(given: Given) -> tuple[str, str | None]:
    name = given.get("table", "")
    if name not in NAMES:
        raise UsageError(f"there is no table {name[:20]!r}")
    return name, given.get("step") or None


def _number(given: Given, name: str, default: int | None = None) -> int | None:
    text = given.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise UsageError(f"{name} must be a whole number, not {text[:20]!r}")
    return int(text)


def _rows(content: Content, given: Given, facets: list[tuple[str, str]]) -> Any:
    query = Query(
        tuple(facets),
        _number(given, "low"),
        _number(given, "high"),
        words_in(given.get("words", "")),
    )
    begin, number = _number(given, "from", 0) or 0, _number(given, "number", PAGE) or 0
    return content.rows(*_table(given), query, begin, min(number, PAGE))


ANSWERS: dict[str, Callable[[Content, Given, list[tuple[str, str]]], Any]] = {
    "about": lambda content, given, facets: content.about(),
    "flow": lambda content, given, facets: content.on_the_way(),
    "result": lambda content, given, facets: content.at_the_end(),
    "facets": lambda content, given, facets: content.facets(*_table(given)),
    "rows": _rows,
    "row": lambda content, given, facets: content.row(*_table(given), _number(given, "at", 0) or 0),
    "life": lambda content, given, facets: content.life(given.get("id", "")),
    "marked": lambda content, given, facets: content.marked(given.get("id", "")),
}
