"""Topics of a forum as Discourse gives them in JSON: whole, or their posts as rows of a file.

What its pages become, its JSON becomes: messages, where the topic's opener is there and somebody
else answers (`webpage/talk`); else a text that names who writes. A post is taken as it is shown
(`cooked`), since its source (`raw`) has markup of the forum's own; where only that is there, it is
taken.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.base import Fault, Item
from stages.counts import TextCount
from stages.errors import Unreadable
from stages.extract import forms
from stages.extract.forms.values import check_text, size
from stages.extract.jsontext.lines import LINE_BYTES
from stages.extract.waiting import Waiting, digest
from stages.extract.webpage.talk import Said, opening, talk
from stages.place import Place
from stages.records import REJECT_TEXT

POSTS = 1 << 21  # rows of one file
CUTS = {
    "about": "what a topic of a forum and its posts have beside their texts",
    "source": "a post as it was typed, where it stands beside what is shown of it",
    "system": "notices of the forum among the posts of a topic",
    "deleted": "posts that were deleted or hidden",
    "unread": "what a post shows of files and formulas, and elements of it that are not read",
}
_TEXTS = ("cooked", "raw")
_ROW = ("topic_id", "post_number")
_ACTIONS = (3, "3")  # the type of posts that say what was done to the topic
_LISTS = {"topic_list": "topics", "category_list": "categories"}
_KEYS = frozenset((*_LISTS, "post_stream", "posts"))
_META = {"title": "title", "topic_title": "title", "created_at": "date", "category_id": "category"}
_GONE = ("user_deleted", "deleted_at", "hidden")
_TOLD = "meta ← what the topic says of itself"


def is_topic(row: Mapping[str, Any]) -> bool:
    """Whether an object may be a topic, or a list of topics, by a look at its keys."""
    return not _KEYS.isdisjoint(row)


def is_post(row: Mapping[str, Any]) -> bool:
    """Whether a row is a post of a topic whose other posts are other rows."""
    return all(key in row for key in _ROW) and any(isinstance(row.get(key), str) for key in _TEXTS)


def are_posts(columns: Collection[str]) -> bool:
    """Whether the rows of a table are posts."""
    return set(_ROW) <= set(columns) and not set(_TEXTS).isdisjoint(columns)


@dataclass
class _Account:
    """Characters of a topic's posts, and of what goes."""

    kept: int = 0
    removed: dict[str, int] = field(default_factory=dict)

    def remove(self, reason: str, characters: int) -> None:
        if characters:
            self.removed[reason] = self.removed.get(reason, 0) + characters

    def count(self, made: int) -> TextCount:
        seen = self.kept + sum(self.removed.values())
        return TextCount(seen, self.kept, made - self.kept, self.removed)


class Topics:
    """From topics to records, in the form that is wanted."""

    def __init__(self, names: forms.Names) -> None:
        self._talk = names.named is None and names.wanted("messages")
        self._text = names.named is None and names.wanted("text")

    @property
    def wanted(self) -> bool:
        return self._talk or self._text

    def made(self, value: Mapping[str, Any]) -> forms.Made | None:
        """The records of an object that is a topic; None for any other.

        Unreadable: wrong_kind for a list of topics without their posts, and what `of` raises."""
        for key, inner in _LISTS.items():
            found = value.get(key)
            if isinstance(found, Mapping) and isinstance(found.get(inner), list):
                raise Unreadable(
                    "wrong_kind",
                    kind=f"list of a forum's {inner}",
                    remedy="it holds no posts: save the topics themselves, /t/NUMBER.json each",
                )
        if not self.wanted or (posts := _posts_of(value)) is None:
            return None
        return self.of(value, posts)

    def of(self, about: Mapping[str, Any], posts: Sequence[Mapping[str, Any]]) -> forms.Made:
        """The records of a topic's posts. about: what says something of the topic.

        Unreadable: empty, encoding, oversize (tags), no_form where only messages are wanted."""
        account = _Account()
        accepted = about.get("accepted_answer")
        best = accepted.get("post_number") if isinstance(accepted, Mapping) else None
        said: list[Said] = []
        numbers: list[int] = []
        inside = 0
        posts = sorted(posts, key=_number)
        for post in posts:
            inside += sum(size(post.get(key)) for key in _TEXTS)
            if text := _text(post, account):
                number = _number(post)
                true = post.get("accepted_answer") in (True, "true", "t", "1")
                solves = number > 1 and (true or number == best)
                said.append(Said(_writer(post), text, solves))
                numbers.append(number)
        if not said:
            raise Unreadable("empty", field="posts")
        account.remove("about", max(0, size(about) - inside))
        meta = _meta(about, posts[0], len(posts))
        title = meta["title"] if isinstance(meta.get("title"), str) else ""
        check_text("title", title)
        opened = numbers[0] == 1
        found = talk(said, title, False) if self._talk and opened else None
        if found is not None:
            records = [{**one, "meta": {**meta, **one["meta"]}} for one in found.records]
            made = sum(len(m["content"]) for one in records for m in one["messages"])
            return forms.Made(records, f"messages ← {found.of}; {_TOLD}", account.count(made))
        lacks = "that one side alone wrote" if opened else "without its opener"
        if not self._text:
            raise Unreadable("no_form", posts=len(said), of=f"a topic {lacks}")
        text = opening(_with_names(said), title)
        form = f"text ← posts of a topic {lacks if self._talk else 'with their writers'}; {_TOLD}"
        authors = [*dict.fromkeys(one.writer for one in said if one.writer)]
        record = {"text": text, "meta": {**meta, "authors": authors}}
        return forms.Made([record], form, account.count(len(text)))


def _posts_of(value: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    """The posts of a topic; None where an object is none. Unreadable: empty, bad_type."""
    stream = value.get("post_stream")
    if isinstance(stream, Mapping):
        posts = stream.get("posts")
        if posts == []:
            raise Unreadable("empty", field="post_stream.posts")
        return posts if _are_posts(posts) else None
    posts = value.get("posts")
    return posts if "title" in value and posts and _are_posts(posts) else None


def _are_posts(posts: object) -> bool:
    return isinstance(posts, list) and all(
        isinstance(post, Mapping) and not post.keys().isdisjoint(_TEXTS) for post in posts
    )


def _number(post: Mapping[str, Any]) -> int:
    found = post.get("post_number")
    if isinstance(found, str) and found.isdecimal() and len(found) < 19:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _writer(post: Mapping[str, Any]) -> str:
    """Who wrote a post: the name that is theirs alone."""
    for key in ("username", "name"):
        if isinstance(found := post.get(key), str) and found:
            return found
    return f"user {post['user_id']}" if post.get("user_id") not in (None, "") else ""


def _text(post: Mapping[str, Any], account: _Account) -> str:
    """The text of a post, nothing where it has none that is anybody's."""
    shown, typed = (post.get(key) for key in _TEXTS)
    shown = shown if isinstance(shown, str) else ""
    typed = typed if isinstance(typed, str) else ""
    held = size(shown or typed)
    if shown and typed:
        account.remove("source", len(typed))
    if post.get("post_type") in _ACTIONS or post.get("action_code"):
        account.remove("system", held)
        return ""
    if any(post.get(key) not in (None, "", False, "false", "f") for key in _GONE):
        account.remove("deleted", held)
        return ""
    place = f"post {_number(post)}"
    check_text(place, shown or typed)
    # here, since each source of JSON loads this module and few hold topics
    from stages.extract.webpage.fragment import fragment
    from stages.extract.webpage.posts import FURNITURE

    found = fragment(shown, FURNITURE) if shown else None
    if found is not None:
        account.kept += found.kept
        account.remove("unread", sum(found.removed.values()))
        return found.markdown
    if shown and not typed:
        raise Unreadable("oversize", of="tags of a post", field=place)
    if shown:  # too many tags: as it was typed
        account.removed["source"] -= len(typed)
        account.remove("unread", len(shown))
    account.kept += len(typed.strip())
    account.remove("unread", len(typed) - len(typed.strip()))
    return typed.strip()


def _meta(about: Mapping[str, Any], first: Mapping[str, Any], posts: int) -> dict[str, Any]:
    """What a topic says of itself."""
    meta: dict[str, Any] = {}
    for key, name in _META.items():
        found = about.get(key, first.get(key) if key != "created_at" else None)
        if found not in (None, "") and name not in meta:
            meta[name] = found
    if isinstance(meta.get("date"), str):
        meta["date"] = meta["date"][:10]
    tags = about.get("tags")
    if isinstance(tags, list) and tags:
        meta["tags"] = [tag.get("name", tag) if isinstance(tag, Mapping) else tag for tag in tags]
    topic = first.get("topic_id", about.get("id"))
    if topic not in (None, ""):
        meta["topic"] = topic
    stream = about.get("post_stream")
    listed = stream.get("stream") if isinstance(stream, Mapping) else None
    if isinstance(listed, list) and len(listed) > posts:  # on later pages of the topic
        meta["left_out"] = {"posts": len(listed) - posts}
    return meta


def _with_names(said: Sequence[Said]) -> str:
    if len({one.writer for one in said}) < 2:
        return "\n\n".join(one.text for one in said)
    return "\n\n".join(f"{one.writer or '?'}: {one.text}" for one in said)


class FlatTopics:
    """The posts of one file whose topics are found when it has been read. waiting: where they
    wait, for these alone."""

    def __init__(self, names: forms.Names, waiting: Waiting) -> None:
        self._topics, self._rows = Topics(names), waiting
        self._of: dict[int, array[int]] = {}  # topic → its rows

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether a row waits here for the others of its topic."""
        return self._topics.wanted and is_post(row) and len(self._rows) < POSTS

    def take(self, place: Place, row: Mapping[str, Any], raw: bytes | None = None) -> None:
        """Keep a row that `takes` is true of. raw: its JSON text in UTF-8."""
        self._of.setdefault(digest(row["topic_id"]), array("Q")).append(len(self._rows))
        self._rows.add(place, row, raw)

    def items(self) -> Iterator[Item | Fault]:
        """A topic each, in order of their first rows."""
        for rows in self._of.values():
            found: list[dict[str, Any]] = []
            raws: list[bytes] = []
            places: list[Place] = []
            seen: set[int] = set()
            whole = 0
            for number in rows:
                place, raw, row = self._rows.read(number)
                at = _number(row)
                if at in seen:
                    told = {"topic_id": row["topic_id"], "post_number": at}
                    yield Fault(place, "repeated", told, _shown(raw), raw=raw)
                    continue
                seen.add(at)
                whole += len(raw)
                if whole <= LINE_BYTES or not raws:
                    raws.append(raw)
                    found.append(row)
                places.append(place)
            yield self._item(places, raws, found, whole)

    def _item(
        self,
        places: Sequence[Place],
        raws: Sequence[bytes],
        posts: list[dict[str, Any]],
        whole: int,
    ) -> Item | Fault:
        about = {key: posts[0][key] for key in ("topic_title",) if key in posts[0]}
        raw = b"\n".join(raws)
        try:
            if whole > LINE_BYTES:
                raise Unreadable("oversize", limit=LINE_BYTES, of="bytes of a topic")
            made = self._topics.of(about, posts)
        except Unreadable as error:
            told = {**error.evidence, "posts": len(places)}
            return Fault(places[0], error.reason, told, _shown(raw), raw=raw, characters=whole)
        beside = sum(size(post) for post in posts) - made.text.seen
        if beside > 0:
            made.text.remove("about", beside)
            made.text.seen += beside
        form = made.form.replace("posts", "posts, by topic_id", 1)
        return Item(places[0], raw, made.records, form, made.text)


def _shown(raw: bytes) -> str:
    return raw[: 4 * REJECT_TEXT].decode("utf-8", "replace")
