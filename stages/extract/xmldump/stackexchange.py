"""Posts.xml of Stack Exchange: each question joined with its answers.

Answers stand anywhere behind their question, so all posts of a file are first laid into a database
beside it in the temporary folder: memory stays flat, and the disk holds the file once more.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from stages import watch
from stages.base import Fault, Item
from stages.errors import Unreadable
from stages.extract import files
from stages.extract.webpage.tree import nonspace
from stages.extract.xmldump import html_text
from stages.extract.xmldump.reading import Reader
from stages.place import Place

Answers = Literal["best", "all"]
FORM = "prompt ← title and question; completion ← {}; meta ← tags, scores, authors, licence"
ROOTS = ("posts", "users", "comments", "votes", "badges", "tags", "posthistory", "postlinks")
_WHAT = {"best": "the accepted answer, or that of most votes", "all": "each answer"}
_QUESTION, _ANSWER = "1", "2"
_STEPS = 100_000  # of SQLite's machine between two signs that it moves on
_SITE = re.compile(r"((?:[a-z0-9-]+\.)*[a-z0-9-]+\.(?:com|net|org))(?:\.zip|\.tar.*)?$")
_TAGS = re.compile(r"[^<>|]+")
_LICENSES = (("2018-05-02", "CC-BY-SA-4.0"), ("2011-04-08", "CC-BY-SA-3.0"), ("", "CC-BY-SA-2.5"))


class _Post(NamedTuple):
    """A question or an answer."""

    id: int
    score: int
    told: Mapping[str, str]

    @property
    def body(self) -> str:
        return self.told.get("Body", "")

    @property
    def license(self) -> str:
        """What the post says, or what held on its day."""
        if said := self.told.get("ContentLicense", ""):
            return "-".join(said.split())
        day = self.told.get("CreationDate", "")[:10]
        return next(name for since, name in _LICENSES if day >= since)


_KEPT = (
    *("Title", "Tags", "Body", "CreationDate", "ContentLicense"),
    *("OwnerUserId", "OwnerDisplayName"),
)


def items(
    stream: BinaryIO, place: Place, answers: Answers, users: Path | None
) -> Iterator[Item | Fault]:
    """The questions of a file with their answers, by their numbers. users: Users.xml beside it.

    Unreadable where the file ends early or is damaged, after all that came before.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = _Store(Path(folder) / "posts.sqlite")
        with contextlib.closing(store), _machine():
            trouble: Unreadable | None = None
            try:
                yield from store.fill(stream, place)
            except Unreadable as error:
                trouble = error
            if users is not None:
                store.fill_users(users)
            yield from store.joined(place, answers)
            if trouble is not None:
                raise trouble


@contextlib.contextmanager
def _machine() -> Iterator[None]:
    """What the disk lacks is not the file's fault."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise OSError(errno.ENOSPC, "no room in the temporary folder") from error
        raise


class _Store:
    def __init__(self, path: Path) -> None:
        self._base = base = sqlite3.connect(path, isolation_level=None)
        base.set_progress_handler(watch.tick, _STEPS)
        base.execute("PRAGMA journal_mode=OFF")
        base.execute("PRAGMA synchronous=OFF")
        base.execute("CREATE TABLE questions (id INTEGER, score INTEGER, best INTEGER, told TEXT)")
        base.execute(
            "CREATE TABLE answers (id INTEGER, score INTEGER, question INTEGER, told TEXT)"
        )
        base.execute("CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID")
        base.execute("BEGIN")

    def close(self) -> None:
        """Forget all."""
        self._base.close()

    def fill(self, stream: BinaryIO, place: Place) -> Iterator[Fault]:
        """Lay all posts down; those that are neither question nor answer are told."""
        number = 0
        for number, found in enumerate(Reader(("row",)).read(stream), 1):  # noqa: B007
            told = found.attributes
            kind = told.get("PostTypeId", "")
            key = f"Id={told.get('Id', '')}"
            here = Place(place.path, place.member, table="posts", key=key)
            ids = [_number(told.get(name, "0")) for name in ("Id", "Score", "ParentId")]
            best = _number(told.get("AcceptedAnswerId", "0"))
            body = told.get("Body", "")
            raw = body.encode("utf-8", "surrogatepass")
            if None in ids or best is None or not ids[0]:
                evidence = {"Id": told.get("Id", ""), "PostTypeId": kind}
                yield Fault(here, "malformed", evidence, body, raw=raw, characters=nonspace(body))
                continue
            kept = json.dumps({name: told[name] for name in _KEPT if name in told})
            if kind == _QUESTION:
                row = (ids[0], ids[1], best, kept)
                self._base.execute("INSERT INTO questions VALUES (?, ?, ?, ?)", row)
            elif kind == _ANSWER:
                self._base.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (*ids, kept))
            else:
                evidence = {"PostTypeId": kind}
                size = nonspace(body)
                yield Fault(here, "other_post", evidence, body, False, raw, size)
        if not number:
            yield Fault(place, "empty", {"rows": 0}, failed=False)

    def fill_users(self, path: Path) -> None:
        """Lay the names of users down, as far as the file can be read."""
        with contextlib.suppress(Unreadable, OSError), files.opened(path) as file:
            for found in Reader(("row",)).read(file):
                told = found.attributes
                row = (told.get("Id", ""), told.get("DisplayName", ""))
                self._base.execute("INSERT OR IGNORE INTO users VALUES (?, ?)", row)

    def joined(self, place: Place, answers: Answers) -> Iterator[Item | Fault]:
        """Questions with their answers, then answers without a question."""
        base = self._base
        base.execute("CREATE INDEX of_answers ON answers (question, score DESC, id)")
        base.execute("CREATE INDEX of_questions ON questions (id)")
        for identity, score, best, told in base.execute(
            "SELECT id, score, best, told FROM questions ORDER BY id"
        ):
            yield from self._question(
                place, _Post(identity, score, json.loads(told)), best, answers
            )
        for identity, score, told in base.execute(
            "SELECT id, score, told FROM answers WHERE question NOT IN (SELECT id FROM questions)"
            " ORDER BY id"
        ):
            post = _Post(identity, score, json.loads(told))
            yield _refused(place, post, "no_question", {})

    def _question(
        self, place: Place, question: _Post, best: int, answers: Answers
    ) -> Iterator[Item | Fault]:
        rows = self._base.execute(
            "SELECT id, score, told FROM answers WHERE question = ?"
            " ORDER BY id = ? DESC, score DESC, id",
            (question.id, best),
        )
        number = 0
        for number, (identity, score, told) in enumerate(rows, 1):
            answer = _Post(identity, score, json.loads(told))
            if number > 1 and answers == "best":
                yield _refused(place, answer, "other_answer", {"question": question.id})
            else:
                accepted = identity == best
                yield self._record(place, question, answer, accepted, answers)
        if not number:
            yield _refused(place, question, "unanswered", {})

    def _record(
        self, place: Place, question: _Post, answer: _Post, accepted: bool, answers: Answers
    ) -> Item | Fault:
        here = _place(place, question if answers == "best" else answer)
        raw = f"{question.body}\n{answer.body}".encode("utf-8", "surrogatepass")
        try:
            asked, answered = html_text.text_of(question.body), html_text.text_of(answer.body)
        except Unreadable as error:
            return Fault(here, error.reason, error.evidence, raw=raw)
        if not answered.markdown:
            return Fault(here, "no_text", {"answer": answer.id}, failed=False, raw=raw)
        title = question.told.get("Title", "").strip()
        prompt = "\n\n".join(filter(None, (title, asked.markdown)))
        record: dict[str, Any] = {"prompt": prompt, "completion": answered.markdown}
        record["meta"] = self._meta(place, question, answer, accepted)
        removed = dict(asked.removed)
        for reason, characters in answered.removed.items():
            removed[reason] = removed.get(reason, 0) + characters
        whole = html_text.Text("", nonspace(title) + asked.kept + answered.kept, removed)
        count = whole.account(len(prompt) + len(answered.markdown))
        return Item(here, raw, [record], FORM.format(_WHAT[answers]), count)

    def _meta(self, place: Place, question: _Post, answer: _Post, accepted: bool) -> dict[str, Any]:
        authors = dict.fromkeys(filter(None, map(self._author, (question, answer))))
        site = _site(place)
        told: dict[str, Any] = {
            "title": question.told.get("Title", "").strip(),
            "url": f"https://{site}/questions/{question.id}" if site else "",
            "author": ", ".join(authors),
            "date": question.told.get("CreationDate", "")[:10],
            "license": ", ".join(dict.fromkeys((question.license, answer.license))),
            "tags": _TAGS.findall(question.told.get("Tags", "")),
        }
        meta = {key: value for key, value in told.items() if value}
        scores = {"score": question.score, "answer_score": answer.score, "accepted": accepted}
        return {**meta, **scores, "question": question.id, "answer": answer.id}

    def _author(self, post: _Post) -> str:
        found = self._base.execute(
            "SELECT name FROM users WHERE id = ?", (post.told.get("OwnerUserId", ""),)
        ).fetchone()
        return found[0] if found else post.told.get("OwnerDisplayName", "")


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def _place(place: Place, post: _Post) -> Place:
    return Place(place.path, place.member, table="posts", key=f"Id={post.id}")


def _refused(place: Place, post: _Post, reason: str, evidence: Mapping[str, Any]) -> Fault:
    body = post.body
    raw = body.encode("utf-8", "surrogatepass")
    told = {"score": post.score, **evidence}
    return Fault(_place(place, post), reason, told, body, False, raw, nonspace(body))


def _site(place: Place) -> str:
    """The site that a file's path, or its archive's, names."""
    for part in reversed(place.path.lower().split("/")):
        if (found := _SITE.match(part)) is not None:
            return found[1]
    return ""
