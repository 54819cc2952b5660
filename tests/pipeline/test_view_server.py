"""`seedbed view` as a server: who is let in, and that what it answers is what the run holds."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verbs import view
from pipeline.views.live import columns
from pipeline.views.live.content import PAGE, Content
from pipeline.views.live.query import Hits, Query, holding, words_in
from pipeline.views.live.server import LOOPBACK, Server
from stages.corpus import Corpus, write_corpus
from stages.errors import UsageError
from stages.records import REJECTS, SCHEMA, fields, record_id, to_table
from tests.pipeline import world

RECORDS = 2500  # of each of two sources: some batches, of two files
RARE = "quetzal"
REFUSED = "I'm sorry, but I cannot help with that request at all."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two sources, some of whose records leave."""
    folder = tmp_path_factory.mktemp("looked at")
    for name in ("one", "two"):
        rows = []
        for n in range(RECORDS):
            text = REFUSED if n % 50 == 7 else "No." if n % 50 == 9 else world.prose(n % 40, 12)
            text += f" {RARE.upper()}" if n % 997 == 5 else ""
            rows.append({"prompt": f"{name} {n}?", "completion": text, "url": f"at/{n % 3}"})
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "t.yaml").write_text(
        "version: 1\nname: t\nsources:\n  - jsonl: {name: one, path: one.jsonl}\n"
        "  - jsonl: {name: two, path: two.jsonl}\nsteps: [{quality: {min_words: 3}}, refusals]\n"
    )
    world.seedbed("run", "t.yaml", cwd=folder)
    return folder / "runs" / "t"


@pytest.fixture
def server(run: Path) -> Iterator[Server]:
    yield from serving(run)


def serving(folder: Path) -> Iterator[Server]:
    with Server(folder) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def asked(
    server: Server, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of what the server answers."""
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=60)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def value_of(server: Server, what: str, **given: Any) -> Any:
    status, _, body = asked(server, f"/{server.token}/{what}?{urllib.parse.urlencode(given)}")
    told = json.loads(body)
    assert status == 200, told
    return told["value"]


def test_whoever_does_not_know_the_token_gets_nothing(server: Server) -> None:
    good = f"/{server.token}/"
    assert asked(server, good)[0] == 200
    wrong = f"/{server.token[:-1]}{'a' if server.token[-1] != 'a' else 'b'}/"
    for path in ("/", wrong, f"{wrong}about", "/about", f"/{server.token}"):
        status, headers, body = asked(server, path)
        assert (status, body) == (403, b""), path
        assert headers["x-content-type-options"] == "nosniff"
    assert asked(server, f"{good}../about")[0] == 404
    assert asked(server, f"{good}run.json")[0] == 404
    assert len(server.token) >= 32


def test_nobody_who_was_led_here_by_a_name_or_from_another_page_gets_in(server: Server) -> None:
    path, port = f"/{server.token}/about", server.server_port
    assert asked(server, path, Host=f"localhost:{port}")[0] == 200
    for host in (f"evil.example:{port}", LOOPBACK, f"{LOOPBACK}:{port + 1}", ""):
        assert asked(server, path, Host=host)[0] == 403, host
    assert asked(server, path, Sec_Fetch_Site="same-origin")[0] == 200
    for site in ("cross-site", "same-site"):
        assert asked(server, path, Sec_Fetch_Site=site)[0] == 403
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        assert asked(server, path, method, Origin="https://evil.example")[0] == 405, method
    _, headers, _ = asked(server, path, Origin="https://evil.example")
    assert not [name for name in headers if name.startswith("access-control")]


def test_two_hosts_in_one_request_are_none(server: Server) -> None:
    good = f"{LOOPBACK}:{server.server_port}"
    with socket.create_connection((LOOPBACK, server.server_port)) as raw:
        raw.sendall(
            f"GET /{server.token}/about HTTP/1.1\r\nHost: {good}\r\nHost: x\r\n\r\n".encode()
        )
        assert b" 403 " in raw.recv(4096).split(b"\r\n")[0]


def test_answers_are_for_this_page_alone_and_are_not_kept(server: Server) -> None:
    _, headers, page = asked(server, f"/{server.token}/")
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'"):
        assert part in policy
    scripts = policy.partition("script-src ")[2].partition(";")[0]
    assert scripts.startswith("'sha256-") and "unsafe" not in scripts
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers
    assert server.token.encode() not in page  # it stands in the address alone
    _, headers, _ = asked(server, f"/{server.token}/about")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["content-type"] == "application/json"


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


# --- what it answers ------------------------------------------------------------------------------


def rows_of(run: Path) -> list[dict[str, Any]]:
    corpus = Corpus(run / "corpus")
    return [row for table in corpus.batches() for row in table.to_pylist()]


def text_of(row: dict[str, Any]) -> int:
    return sum(len(text) for _, text in fields(row, "all"))


def all_of(content: Content, name: str, query: Query) -> list[str]:
    """The ids of all rows that fit, page by page."""
    found: list[str] = []
    while True:
        told = content.rows(name, None, query, len(found), PAGE)
        found += [row["id"] for row in told["rows"]]
        if told["done"] and len(found) >= told["total"]:
            assert told["share"] == 1.0
            return found


def test_filters_and_words_find_what_a_plain_look_finds(run: Path) -> None:
    content, rows = Content(run), rows_of(run)
    assert len(rows) > 3 * 1024
    lengths = sorted(map(text_of, rows))
    low, high = lengths[len(rows) // 3], lengths[len(rows) // 2]
    word = world.prose(3, 12).split()[2].lower().rstrip(".")

    def plain(fits: Any) -> list[str]:
        return [row["id"] for row in rows if fits(row, json.dumps(row).lower())]

    looked = {
        Query(): lambda row, text: True,
        Query((("source", "two"),)): lambda row, text: row["source"] == "two",
        Query(low=low, high=high): lambda row, text: low <= text_of(row) <= high,
        Query(words=(RARE,)): lambda row, text: RARE in text,
        Query((("source", "one"),), low=low, words=(word.upper(), "one 1")): lambda row, text: (
            row["source"] == "one" and text_of(row) >= low and word in text and "one 1" in text
        ),
        Query(words=("at/2",)): lambda row, text: "at/2" in text,
        Query(words=(rows[1500]["id"],)): lambda row, text: row["id"] == rows[1500]["id"],
        Query((("source", "none of them"),)): lambda row, text: False,
    }
    for query, fits in looked.items():
        wanted = plain(fits)
        assert all_of(content, "kept", query) == wanted, query
        assert bool(wanted) == (query.facets != (("source", "none of them"),))


def test_what_left_is_found_by_step_and_reason(run: Path) -> None:
    content = Content(run)
    told = dict(content.facets("left")["facets"])
    assert dict(told["reason"]) == {"refusal": 100, "too_short": 100}
    assert {step.partition("-")[2] for step, _ in told["step"]} == {"quality", "refusals"}
    step = next(step for step, _ in told["step"] if step.endswith("refusals"))
    rows = content.rows("left", None, Query((("step", step), ("source", "two"))), 0, PAGE)
    assert rows["total"] == 50 and {row["reason"] for row in rows["rows"]} == {"refusal"}
    (name, stretches) = rows["rows"][0]["texts"][0]
    marked = [text for style, text in stretches if style == "match"]
    assert name == "text" and len(marked) == 1 and marked[0] in REFUSED
    assert not content.rows("left", None, Query((("step", "no step"),)), 0, PAGE)["total"]


def test_one_row_is_whole_and_its_life_is_the_one_that_explain_tells(server: Server) -> None:
    told = value_of(server, "rows", table="left", **{"f.reason": "refusal"})
    row = value_of(server, "row", table="left", at=told["rows"][3]["at"])
    assert row["id"] == told["rows"][3]["id"] and row["reason"] == "refusal"
    life = value_of(server, "life", id=row["id"])
    events = [
        (chapter["label"].partition("-")[2], chapter["event"]) for chapter in life["chapters"]
    ]
    assert events == [
        (f"jsonl-{row['source']}", "kept"),
        ("quality", "kept"),
        ("refusals", "dropped"),
    ]
    assert any(style == "match" for line in life["chapters"][-1]["lines"] for style, _ in line)
    assert value_of(server, "marked", id=row["id"]) == []


def test_a_search_ends_when_the_page_is_full_and_goes_on_where_it_was(run: Path) -> None:
    content = Content(run)
    table, cols = content.table("kept"), content.columns("kept")
    hits = Hits(table, cols, Query(words=("?",)))
    hits.advance(10, 60.0)
    assert 10 <= hits.total < len(cols) and not hits.done and 0 < hits.share < 1
    first = hits.rows(0, 10)
    hits.advance(len(cols) + 1, 60.0)
    assert hits.done and hits.total == len(cols) and hits.rows(0, 10) == first
    assert hits.rows(0, len(cols)) == list(range(len(cols)))


def test_columns_are_made_once_and_kept_in_the_store(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, store = Content(run).table("kept"), run.parent.parent / ".seedbed"
    columns.columns_of(table, store)
    fresh = columns.columns_of(table, None)
    monkeypatch.setattr(columns, "_made", lambda table: pytest.fail("made again"))
    again = columns.columns_of(table, store)
    assert (again.lengths == fresh.lengths).all() and (again.starts == fresh.starts).all()
    assert (again.batches == fresh.batches).all()
    assert [f.name for f in again.facets] == [f.name for f in fresh.facets]
    for one, other in zip(again.facets, fresh.facets, strict=True):
        assert one.counts() == other.counts()
        assert [one.values[code] for code in one.codes] == [other.values[c] for c in other.codes]


def test_a_column_with_many_values_is_no_filter(tmp_path: Path) -> None:
    rows = [
        {"id": record_id("s", "u", b"", n), "source": "s", "place": "p", "text": "t" * (n % 7)}
        for n in range(700)
    ]
    table = to_table(rows, SCHEMA)
    table = table.append_column("many", pa.array(range(700), pa.int32()))
    table = table.append_column("few", pa.array([None if n % 5 else n % 2 for n in range(700)]))
    step = {"stage": "normalize", "parameters": {}}
    write_corpus(tmp_path / "c", "records", [(table, REJECTS.empty_table())], {
        "counts": {"dropped": 0, "failed": 0, "reasons": {}}, "steps": [step], "sources": [],
    })  # fmt: skip
    content = Content(tmp_path / "c")
    told = dict(content.facets("kept")["facets"])
    assert dict(told["few"]) == {"(none)": 560, "0": 70, "1": 70} and "many" not in told
    assert next(iter(dict(told["few"]))) == "(none)", "the most frequent comes first"
    assert content.rows("kept", None, Query((("few", "(none)"),)), 0, 5)["total"] == 560
    assert content.facets("left") == {"facets": [], "longest": 0}
    assert content.life(rows[0]["id"]) is None and content.on_the_way() == []


words = st.text("aAbBé \"'", max_size=12)


@given(st.lists(st.tuples(words, words, st.lists(words, max_size=3)), max_size=6), words)
def test_words_are_looked_for_in_all_texts(rows: list[Any], asked: str) -> None:
    table = to_table(
        {"id": "x", "prompt": prompt, "meta": meta,
         "messages": [{"role": "user", "content": text} for text in texts] or None}
        for prompt, meta, texts in rows
    ).select(["prompt", "meta", "messages"])  # fmt: skip
    found = words_in(asked)
    wanted = [
        all(any(w.lower() in text.lower() for text in (prompt, meta, *texts)) for w in found)
        for prompt, meta, texts in rows
    ]
    assert holding(table, found).tolist() == wanted
    assert all(word.strip() and '"' not in word for word in found)


def test_words_in_quotes_are_one_word() -> None:
    assert words_in('net  "net shed" shed') == ("net", "net shed", "shed")
    assert words_in(' "open end') == ("open end",)
    assert words_in('""  "') == ()
    assert len(words_in(" ".join(map(str, range(100))))) == 8


@pytest.mark.parametrize(
    ("what", "given_", "words"),
    [
        ("rows", {"table": "other"}, "no table 'other'"),
        ("rows", {"table": "kept", "low": "-1"}, "low must be a whole number"),
        ("rows", {"table": "kept", "from": "9" * 40}, "from must be a whole number"),
        ("rows", {"table": "kept", "step": "no step"}, "has no step 'no step'"),
        ("row", {"table": "kept", "at": "99999999"}, "there is no row 99999999"),
        ("life", {"id": "zz"}, "zz"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_one_message(
    server: Server, what: str, given_: dict[str, str], words: str
) -> None:
    status, _, body = asked(server, f"/{server.token}/{what}?{urllib.parse.urlencode(given_)}")
    told = json.loads(body)
    assert status == 410 and words in told["error"] and "\n" not in told["error"], told


# --- the folder changes, the command ends ---------------------------------------------------------


def test_a_run_that_is_gone_or_made_anew_is_told(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    for server in serving(copy):
        before = json.loads(asked(server, f"/{server.token}/about")[2])
        (copy / "run.json").write_bytes((copy / "run.json").read_bytes())
        after = json.loads(asked(server, f"/{server.token}/about")[2])
        assert before["stamp"] != after["stamp"] and before["value"] == after["value"]
        shutil.rmtree(copy)
        for what in ("about", "rows?table=kept", "row?table=left&at=0"):
            status, _, body = asked(server, f"/{server.token}/{what}")
            assert status == 410
            assert json.loads(body)["error"] == (
                f"{copy} is gone, or no run or corpus: name one that is there"
            )


def test_the_command_serves_until_it_is_interrupted(run: Path) -> None:
    process = world.start("view", run, cwd=run)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        split = urllib.parse.urlsplit(address)
        connection = http.client.HTTPConnection(LOOPBACK, split.port or 0, timeout=60)
        connection.request("GET", f"{split.path}about")
        assert json.loads(connection.getresponse().read())["value"]["name"] == "t"
        process.send_signal(signal.SIGINT)  # while a connection is open
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "SSH" not in out and err.startswith("seedbed: interrupted") and err.count("\n") == 1
    finally:
        world.end(process)


def test_over_ssh_the_way_to_it_is_told(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.9 50022 10.0.0.1 22")
    monkeypatch.setattr(Server, "serve_forever", lambda self, poll_interval: None)
    assert view._serve(run, 0) == 0
    out = capsys.readouterr().out
    port = urllib.parse.urlsplit(out.split()[1]).port
    assert f"ssh -N -L {port}:127.0.0.1:{port} 10.0.0.1" in out


def test_a_port_that_is_taken_and_what_is_no_run_are_mistakes(run: Path, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        done = world.seedbed("view", run, "--port", port, cwd=tmp_path, code=2)
        assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr
    with pytest.raises(UsageError, match="is gone, or no run or corpus"):
        Content(tmp_path / "nothing")
    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    done = world.seedbed("view", run, "--export", mine, cwd=tmp_path, code=2)
    assert "is a file of yours" in done.stderr and mine.read_text() == "<p>mine</p>"


def test_lengths_are_what_the_texts_have(run: Path) -> None:
    lengths = Content(run).columns("kept").lengths
    assert np.array_equal(lengths, [text_of(row) for row in rows_of(run)])


def test_words_are_looked_for_beside_messages_and_ids_by_whole_stretches() -> None:
    call = {"role": "assistant", "content": "", "extra": '{"tool_calls": "water_beds"}'}
    rows = [{"id": "ab12cd34" * 4, "messages": [call]}, {"id": "00" * 16, "text": "ab and 12"}]
    table = to_table(rows, SCHEMA)
    assert holding(table, ["WATER_beds"]).tolist() == [True, False]
    assert holding(table, ["ab"]).tolist() == [False, True]  # in most ids, by chance
    assert holding(table, ["ab12cd34ab12"]).tolist() == [True, False]
