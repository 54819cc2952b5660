"""Inputs of the stage csv that reach every reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

from stages.extract.csv import CsvExtract
from stages.testing import Case
from tests.cases.jsonl import POSTS

GOOD = """question,answer,topic
When do I sow peas?,"In March, or later.",garden
When do I sow beans?,In May.,garden
"What is a ""row""?","A line
of plants.",words
When do I sow peas?,"In March, or later.",garden
"""
BAD = "Questions of our readers,,\n" + GOOD + 'a,b,c,d\na,b\nWhy?,"open,x\n,,\nWhere?,,garden\n'


def cases(folder: Path) -> list[Case]:
    good = GOOD.encode()
    (folder / "good.csv").write_bytes(good)
    (folder / "good.tsv").write_text("text\tn\nPeas like cool soil.\t1\nBeans do not.\t2\n")
    (folder / "bad.csv").write_bytes(BAD.encode() + "日本,b,c\n".encode() + b"x,\x81y,z\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    many = b"".join(b"%d,answer %d,t\n" % (n, n * n) for n in range(3000))
    (folder / "cut.csv.gz").write_bytes(gzip.compress(b"question,answer,t\n" + many)[:-2000])
    damaged = bytearray(gzip.compress(good))
    damaged[-8] ^= 255
    (folder / "damaged.csv.gz").write_bytes(damaged)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", good)
        archive.writestr("b.csv.gz", gzip.compress(good))
    (folder / "nested.zip").write_bytes(inner.getvalue())
    with zipfile.ZipFile(folder / "other.zip", "w") as archive:
        archive.writestr("a.png", b"x")
    (folder / "gone").mkdir()
    (folder / "gone" / "link.csv").symlink_to(folder / "gone" / "nothing")
    (folder / "gone" / "away.csv").symlink_to(folder / "good.csv")
    with open(folder / "long.csv", "wb") as file:  # sparse: it takes no room on the disk
        file.write(good + b"Why?," + b"soil " * 50_000 + b",garden\n")
        file.truncate(file.tell() + (66 << 20))
    with open(folder / "talks.csv", "w", encoding="utf-8", newline="") as file:
        said = {"role": "user", "content": "Peas?", "votes": 2}
        rows = [[json.dumps([said])], [json.dumps([{"content": "Peas?", "x": 1}])], ["peas"]]
        csv.writer(file).writerows([["talk"], *rows])
    (folder / "tasks.csv").write_text('instruction,input,chosen,rejected\nCut.,"  ",Text.,No.\n')
    (folder / "tree.csv").write_text(
        "message_id,parent_id,role,text\n1,,prompter,Peas?\n2,1,assistant,In March.\n"
        "2,1,assistant,In May.\n3,7,prompter,Why?\n"
    )
    with open(folder / "posts.csv", "w", encoding="utf-8", newline="") as file:
        names = ["topic_id", "post_number", "username", "cooked", "raw", "post_type", "hidden"]
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows({"topic_id": 7, **post} for post in POSTS)
    (folder / "page.csv").write_text("<!DOCTYPE html>\n<html><body>404</body></html>\n")
    with open(folder / "uneven.csv", "w") as file:
        for n in range(40):
            file.write(f"{n},{'peas, ' * (n % 5)}beans,{n}\n")
    stage = CsvExtract()
    refused = {
        "preamble": 1,
        "too_many_fields": 1,
        "too_few_fields": 1,
        "broken_quote": 1,
        "empty": 2,
        "encoding": 1,
    }
    return [
        Case(stage, path=str(folder / "good.csv")),
        Case(stage, path=str(folder / "good.tsv")),
        Case(CsvExtract(text="{question} {answer}"), path=str(folder / "good.csv")),
        Case(
            CsvExtract(prompt="q", completion="a"),
            path=str(folder / "good.csv"),
            reasons={"no_form": 1},
        ),
        Case(stage, path=str(folder / "bad.csv"), reasons=refused),
        Case(
            CsvExtract(messages="talk"),
            path=str(folder / "talks.csv"),
            reasons={"no_form": 1, "bad_type": 1},
        ),
        Case(stage, path=str(folder / "tasks.csv")),
        Case(stage, path=str(folder / "posts.csv")),
        Case(stage, path=str(folder / "tree.csv"), reasons={"orphan": 1, "repeated": 1}),
        Case(
            CsvExtract(delimiter=","),
            path=str(folder / "uneven.csv"),
            reasons={"uneven": 1},
        ),
        Case(stage, path=str(folder / "page.csv"), reasons={"wrong_kind": 1}),
        Case(stage, path=str(folder / "empty.csv"), reasons={"empty": 1}),
        Case(stage, path=str(folder / "picture.csv"), reasons={"binary": 1}),
        Case(stage, path=str(folder / "cut.csv.gz"), reasons={"truncated": 1}),
        Case(stage, path=str(folder / "damaged.csv.gz"), reasons={"corrupt": 1}),
        Case(stage, path=str(folder / "nested.zip"), reasons={"nested": 1}),
        Case(stage, path=str(folder / "other.zip"), reasons={"no_members": 1}),
        Case(stage, path=str(folder / "gone"), reasons={"unreadable": 1, "link": 1}),
        Case(stage, path=str(folder / "long.csv"), reasons={"oversize": 1}),
    ]
