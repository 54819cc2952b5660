"""The URLs of databases, checked whole before anything runs: what is not understood is refused.

A setting that is not read may be a password under any name, so a sentence shows of a URL its
scheme alone.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from stages.extract.databases import mysql, postgres
from stages.secrets import problem

SETTINGS = ("host", "sslmode")
SERVERS = {"postgresql": postgres, "postgres": postgres, "mysql": mysql, "mariadb": mysql}
_HOST = re.compile(r"[\w.\-%]*|\[[0-9A-Fa-f:.%]+\]", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,30}")


def scheme_of(path: str) -> str:
    """What stands before `://`, when it can be a scheme."""
    found = path.partition("://")[0]
    return f"{found}://…" if _SCHEME.fullmatch(found) else "this"


def problem_with(path: str) -> str | None:
    """Why a text with `://` names no database; None: it names one."""
    if wrong := problem(path):
        return wrong
    shown = scheme_of(path)
    try:
        url = urlsplit(path)
        _ = url.port
    except ValueError:
        return f"{shown} is no URL: a database is postgresql://user@host:port/name"
    if url.scheme == "sqlite":
        return _of_sqlite(url)
    if url.scheme not in SERVERS:
        return (
            "a database is postgresql://user@host:port/name, mysql://user@host:port/name or "
            f"sqlite:///path, not {shown}"
        )
    if re.search(r"\s", path):
        return f"{shown} holds white space: a space in a name is written as %20"
    if not _HOST.fullmatch(re.sub(r":\d*$", "", url.netloc.rpartition("@")[2])):
        return f"{shown} names no host: a database is postgresql://user@host:port/name"
    known = [setting.partition("=")[0] in SETTINGS for setting in url.query.split("&")]
    if url.fragment or (url.query and not all(known)):
        return (
            f"{shown} has settings that are not understood: after ? only {' and '.join(SETTINGS)} "
            "can stand; # and ? in a name are written as %23 and %3F"
        )
    return None


def _of_sqlite(url: SplitResult) -> str | None:
    if url.netloc:
        return (
            "a sqlite URL has three slashes before a relative path and four before an absolute "
            f"one: sqlite:///{url.netloc}{url.path}"
        )
    if url.query or url.fragment:
        return "a sqlite URL has no settings: # and ? in a file's name are written as %23 and %3F"
    return None
