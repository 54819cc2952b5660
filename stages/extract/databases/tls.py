"""The words of `sslmode`, as PostgreSQL's own library has them, for every server."""

from __future__ import annotations

import ssl

from stages.errors import UsageError

_MODES = ("disable", "prefer", "require", "verify-full")


def context(mode: str) -> ssl.SSLContext | bool | None:
    """How a driver is to encrypt: False, not at all; None, if the server does."""
    if mode not in _MODES:
        raise UsageError(f"sslmode must be one of {', '.join(_MODES)}, not {mode!r}")
    if mode == "disable":
        return False
    if mode == "prefer":
        return None
    found = ssl.create_default_context()
    if mode == "require":
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    return found
