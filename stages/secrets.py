"""Passwords in the names of sources: found so that they are refused, masked where one slips in.

A source's URL ends up in manifests, places, errors and pages, so a password is no part of it.
`problem` judges a text that names a source, strictly; `masked` works on any text and changes only
what stands where a URL or a connection string holds its secret.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

STARS = "***"
REMEDY = (
    "it would be written to manifests. PostgreSQL's password comes from PGPASSWORD, or from a "
    "line host:port:database:user:password of ~/.pgpass (PGPASSFILE); MySQL's and MariaDB's from "
    "MYSQL_PWD, or from password under [client] in ~/.my.cnf"
)

# Names of settings whose value is secret, without - _ and . and in small letters.
_ENDS = (
    "password", "passwd", "passphrase", "pwd", "secret", "apikey", "accesskey", "secretkey",
    "privatekey", "accountkey", "sharedkey", "accesstoken", "authtoken", "sessiontoken",
    "securitytoken", "refreshtoken", "sastoken", "signature", "credential", "credentials",
    "passcode", "pswd", "userpass", "dbpass", "requirepass", "sessionid", "cookie", "bearer",
    "cipherkey", "hexkey", "cryptokey", "encryptionkey", "signingkey", "subscriptionkey",
)  # fmt: skip
_WORDS = {
    *("pass", "pw", "psw", "pwd", "passwort", "secret"),
    *("token", "jwt", "auth", "authorization", "sig"),
}
# `u:p@h` may be a scheme, a user and a host only where the first word is a scheme.
_KNOWN = (
    r"(?:jdbc:)?(?:postgres(?:ql)?|mysql|mariadb|sqlite3?|oracle|mssql|sqlserver|mongodb|redis|"
    r"https?|ftps?|sftp|ssh|s3|gs|file|mailto|odbc|duckdb|clickhouse|snowflake)(?:\+\w+)?:"
)
_SCHEMES = re.compile(_KNOWN, re.IGNORECASE)
# user/password@host:port/service, as Oracle's tools have it.
_EASY_CONNECT = re.compile(r"\s*[^\s/@:]+/[^\s/@]+@(?://)?[^\s/@:]+:\d{1,5}(?:/|\s*$)")
_TOKEN = r"(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|xox[abprs]-)\w{8,}"
_TOKEN_AS_USER = re.compile(_TOKEN)

_AT = r"(?=@|%40)"
_USERINFO = re.compile(
    rf"((?:(?<!/)/{{2,9}}|\b[a-z][a-z0-9+.\-]{{0,30}}:/{{1,9}}|\b{_KNOWN})"
    r"[^\s/:?#\[\]\\\"'<>()|^]{0,200}?(?::|%3a))"
    rf"([^\s/\"'<>]{{1,500}}|(?!\d{{1,5}}[/?#])[^\s\"'<>]{{1,500}}){_AT}",
    re.IGNORECASE,
)
_OTHER_USERINFO = re.compile(
    rf"((?<=//){_TOKEN}|(?<=//){_TOKEN}:[^\s/@]{{0,99}}|"
    rf"(?i:(?<=oracle:)(?:(?:thin|oci):)?[^\s/@]{{1,200}}/[^\s/@]{{1,500}})){_AT}"
)
_PAIR = re.compile(r"([?&;#]|%3f|%26)([\w.%+\-\[\]]{1,60})(=|%3d)([^\s&#;\"'<>]+)", re.IGNORECASE)
_KEYWORD = re.compile(
    r"(?:(?<=[\s;,&?{(\"'=])|^)([a-z][\w.\-]{0,40}(?: key| password)?)(\s*=\s*)"
    r"('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\{[^}]*\}|[^\s;,&\"']+)",
    re.IGNORECASE | re.MULTILINE,
)
# `password: x`, `{"password": "x"}`, `--password=x`: settings as people and JSON write them.
_SETTING = re.compile(
    r"(?:^|[\s;,&?{(\"'\-])([a-z][\w.\-]{0,40})[\"']?\s{0,9}[:=]\s{0,9}[\"']?[^\s\"'/\\]",
    re.IGNORECASE,
)
_CONNECTION = re.compile(
    r"(?i)\b(?:host|hostaddr|dbname|database|server|uid|user|user id|data source|dsn|driver|"
    r"endpoint|accountname)\s*="
)


def problem(source: str) -> str | None:
    """Why a text cannot name a source: it holds a password; None when it holds none."""
    texts = [source]
    while len(texts) < 4 and (plain := unquote(texts[-1])) != texts[-1]:
        texts.append(plain)
    if any(_in_authority(text) or _in_settings(text) for text in texts):
        return f"leave the password out of the source's name: {REMEDY}"
    return None


def problem_in(text: str) -> str | None:
    """Why a text cannot be a parameter: a URL or connection string in it holds a password."""
    return None if masked(text) == text else f"must not hold a password: {REMEDY}"


def masked(text: str) -> str:
    """The text with three stars for each secret of a URL or connection string in it."""
    if ("@" in text or "%40" in text) and (":" in text or "%3" in text):
        text = _OTHER_USERINFO.sub(STARS, _USERINFO.sub(rf"\1{STARS}", text))
    if "=" in text or "%3" in text:
        text = _PAIR.sub(_pair, text)
        if _CONNECTION.search(text):
            text = _KEYWORD.sub(_keyword, text)
    return text


def masked_values(value: Any) -> Any:
    """A JSON value with every text in it masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: masked_values(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked_values(one) for one in value]
    return value


def _is_secret(name: str) -> bool:
    words = re.findall(r"[^-_. +\[\]]+", unquote(name).lower())
    return bool(words) and (words[-1] in _WORDS or "".join(words).endswith(_ENDS))


def _pair(match: re.Match[str]) -> str:
    return match[1] + match[2] + match[3] + STARS if _is_secret(match[2]) else match[0]


def _keyword(match: re.Match[str]) -> str:
    return match[1] + match[2] + STARS if _is_secret(match[1]) else match[0]


def _in_settings(text: str) -> bool:
    pairs = [unquote(m[2]).lower() for m in _PAIR.finditer(text)]
    return any(name == "key" or _is_secret(name) for name in pairs) or any(
        _is_secret(m[1]) for found in (_KEYWORD, _SETTING) for m in found.finditer(text)
    )


def _in_authority(text: str) -> bool:
    """Whether `user:password@` stands in a text that names a server, however misspelt."""
    if "@" not in text:
        return False
    if _EASY_CONNECT.match(text):
        return True
    scheme = re.match(r"(?i)(?:[a-z][\w+.\-]*:){0,3}/+", text) or _SCHEMES.match(text)
    rest = text[scheme.end() :] if scheme else text
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, found, host = authority.rpartition("@")
    if not found or ("@" in rest[len(authority) :] and not _is_host(host)):
        user = rest.rpartition("@")[0]  # a / ? or # may be a letter of the password
    if scheme and "oracle" in scheme[0].lower():  # jdbc:oracle:thin:user/password@//host
        user = re.sub(r"^(?:thin|oci\d*):", "", user).replace("/", ":")
    return ":" in user or bool(_TOKEN_AS_USER.match(user))


def _is_host(text: str) -> bool:
    return bool(re.fullmatch(r"(?:\[[^\]]*\]|[^:,]*)(?::\d*)?(?:,[^:,]*(?::\d*)?)*", text))
