"""Inputs of the stage jsonl that reach every reason."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stages.extract.jsonl import JsonlExtract
from stages.testing import Case

LINES = [
    {"text": "Peas like cool soil.", "title": "Peas"},
    {"prompt": "When do I sow peas?", "completion": "In March."},
    {"instruction": "Shorten.", "input": "A long text.", "output": "Text."},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
    {"text": "Peas like cool soil.", "title": "Peas"},
    {"instruction": "Shorten.", "input": "  ", "output": "Text."},
    {"messages": [{"role": "user", "content": "Hi", "votes": 2}]},
    {"prompt": "When do I sow peas?", "chosen": "In March.", "rejected": "Never."},
    {"prompt": {"role": "prompter", "text": "Hi", "lang": "en", "replies": []}},
]
ANSWERS = [
    {"message_id": 1, "parent_id": None, "role": "prompter", "text": "Peas?"},
    {"message_id": 2, "parent_id": 1, "role": "assistant", "text": "In March."},
    {"message_id": 2, "parent_id": 1, "role": "assistant", "text": "In May."},
    {"message_id": 3, "parent_id": 7, "role": "prompter", "text": "Why?"},
]
POSTS = [  # of a topic of a forum: topic_id is where it belongs, as rows have it
    {"post_number": 1, "username": "ann", "cooked": "<p>Peas?</p>", "raw": "Peas?"},
    {"post_number": 2, "username": "bob", "cooked": "<p>In March.<button>More</button></p>"},
    {"post_number": 3, "username": "system", "cooked": "<p>Closed.</p>", "post_type": 3},
    {"post_number": 4, "username": "bob", "cooked": "<p>Gone.</p>", "hidden": True},
    {"post_number": 5, "username": "carl", "cooked": None, "raw": "In May.\n"},
]
REFUSED = [
    b"{oops",
    b'{"text": "a", "text": "b"}',
    b"[1, 2]",
    b'{"other": 1}',
    b'{"text": 5}',
    b'{"text": null}',
    b'{"text": "\\ud83d"}',
    b'{"text": "caf\xe9"}',
]


def cases(folder: Path) -> list[Case]:
    good = b"".join(json.dumps(line).encode() + b"\n" for line in LINES)
    (folder / "good.jsonl").write_bytes(good)
    (folder / "bad.jsonl").write_bytes(good + b"\n".join(REFUSED) + b'\n{"text": "cut')
    (folder / "table.jsonl").write_bytes(b"text,n\n" + b"Peas like cool soil.,1\n" * 9)
    (folder / "tree.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ANSWERS))
    topic = {"post_stream": {"posts": POSTS, "stream": []}, "title": "Peas"}
    (folder / "topic.json").write_text(json.dumps(topic))
    table = pa.table({"text": ["Peas like cool soil."], "picture": [b"\xff\xd8\xff"]})
    pq.write_table(table, folder / "picture.parquet")
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "picture.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (folder / "cut.jsonl.gz").write_bytes(gzip.compress(good * 500)[:-100])
    damaged = bytearray(gzip.compress(good))
    damaged[-8] ^= 255
    (folder / "damaged.jsonl.gz").write_bytes(damaged)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.jsonl", good)
        archive.writestr("b.jsonl.gz", gzip.compress(good))
    (folder / "nested.zip").write_bytes(inner.getvalue())
    with zipfile.ZipFile(folder / "other.zip", "w") as archive:
        archive.writestr("a.png", b"x")
    (folder / "array.json").write_text(json.dumps(LINES, indent=1))
    (folder / "gone").mkdir()
    (folder / "gone" / "link.jsonl").symlink_to(folder / "gone" / "nothing")
    (folder / "gone" / "away.jsonl").symlink_to(folder / "good.jsonl")
    with open(folder / "long.jsonl", "wb") as file:  # sparse: it takes no room on the disk
        file.write(good + json.dumps({"text": "soil " * 50_000}).encode() + b"\n")
        file.truncate(file.tell() + (66 << 20))
    stage = JsonlExtract()
    refused = {
        "malformed": 1,
        "duplicate_key": 1,
        "not_an_object": 1,
        "no_form": 1,
        "bad_type": 1,
        "empty": 1,
        "encoding": 2,
        "truncated": 1,
    }
    return [
        Case(stage, path=str(folder / "good.jsonl")),
        Case(stage, path=str(folder / "array.json")),
        Case(JsonlExtract(text="title"), path=str(folder / "good.jsonl"), reasons={"no_form": 8}),
        Case(stage, path=str(folder / "bad.jsonl"), reasons=refused),
        Case(stage, path=str(folder / "tree.jsonl"), reasons={"orphan": 1, "repeated": 1}),
        Case(stage, path=str(folder / "topic.json")),
        Case(stage, path=str(folder / "picture.parquet")),
        Case(stage, path=str(folder / "table.jsonl"), reasons={"wrong_kind": 1}),
        Case(stage, path=str(folder / "empty.jsonl"), reasons={"empty": 1}),
        Case(stage, path=str(folder / "picture.jsonl"), reasons={"binary": 1}),
        Case(stage, path=str(folder / "cut.jsonl.gz"), reasons={"truncated": 1}),
        Case(stage, path=str(folder / "damaged.jsonl.gz"), reasons={"corrupt": 1}),
        Case(stage, path=str(folder / "nested.zip"), reasons={"nested": 1}),
        Case(stage, path=str(folder / "other.zip"), reasons={"no_members": 1}),
        Case(stage, path=str(folder / "gone"), reasons={"unreadable": 1, "link": 1}),
        Case(stage, path=str(folder / "long.jsonl"), reasons={"oversize": 1}),
    ]
