"""The page of `seedbed view` in a real browser: what it shows, finds, opens; text stays text."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.views.live.content import Content
from pipeline.views.live.server import Server
from pipeline.views.live.write import SCRIPTS, exported
from stages.pages import text_of
from stages.records import fields
from tests.browser import Tab, browser, needs_browser
from tests.pipeline import world

pytestmark = needs_browser

ROOT = "document.documentElement.dataset."
HOSTILE = (
    "<script>document.documentElement.dataset.owned = 1</script></script>"
    '<img src=x onerror="document.documentElement.dataset.owned = 1"><b>bold</b>'
    " \u202egnp.exe\u0000 &amp;"
)
REFUSED = "I'm sorry, but I cannot help with that request at all."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose texts, names and refusals would run scripts if they could."""
    folder = tmp_path_factory.mktemp("seen")
    rows: list[dict[str, Any]] = []
    for n in range(140):
        answer = (
            f"{REFUSED} {HOSTILE}" if n % 20 == 7 else "No." if n % 20 == 9 else world.prose(n, 12)
        )
        rows.append({"prompt": f"Question {n}?", "completion": answer})
    rows[3] |= {"completion": f"Zebra {HOSTILE} in the middle of it all", "title": HOSTILE}
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "t.yaml").write_text(
        "version: 1\nname: t <b>\nsources:\n  - jsonl: {path: in.jsonl, name: the <i>source}\n"
        "steps: [{quality: {min_words: 3}}, refusals]\n"
    )
    world.seedbed("run", "t.yaml", cwd=folder)
    return folder / "runs" / "t <b>"


@pytest.fixture(scope="module")
def server(run: Path) -> Iterator[Server]:
    with Server(run) as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def file(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "run.html"
    path.write_text(exported(Content(run), 30, lambda done, todo: None), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def go(tab: Tab, part: str) -> None:
    """Follow an address within the page until its rows are drawn."""
    tab.run(f"(() => {{ {ROOT}busy = 'yes'; location.hash = {json.dumps('#' + part)}; }})()")
    drawn(tab)


def drawn(tab: Tab) -> None:
    tab.until(f"{ROOT}busy === 'no'")


def load_again(tab: Tab) -> None:
    tab.run(f"{ROOT}ready = 'before'; location.reload()")
    tab.until("document.documentElement?.dataset.ready === 'yes'")


def choose(tab: Tab, name: str, value: str) -> None:
    """Choose a value of a filter, as somebody does, when it is there."""
    select = f"document.querySelector('[data-facet={name}]')"
    tab.until(f"!!{select}")
    tab.run(
        f"(() => {{ {ROOT}busy = 'yes'; {select}.value = {json.dumps('=' + value)};"
        f"{select}.dispatchEvent(new Event('change')); }})()"
    )
    drawn(tab)


def cards(tab: Tab) -> list[str]:
    found: list[str] = tab.run(
        "[...document.querySelectorAll('#list .card')].map((c) => c.innerText)"
    )
    return found


def is_unharmed(tab: Tab) -> bool:
    owned = tab.run(f"{ROOT}owned ?? 'no'")
    inside = "#list b:not(.dropped, .failed), #list img, #detail img, #detail i, #list i, h1 b"
    return bool(owned == "no" and tab.run(f"document.querySelectorAll({inside!r}).length") == 0)


def test_text_of_a_run_stays_text_wherever_it_stands(server: Server, tab: Tab) -> None:
    tab.open(server.address)
    assert tab.run(f"{ROOT}ready") == "yes" and tab.errors == []
    assert tab.text("h1") == "t <b>" and "the <i>source" in tab.text("#flow")
    go(tab, "kept?words=zebra")
    assert len(cards(tab)) == 1 and "<script>document." in tab.text("#list .card")
    assert tab.text("#list mark.hit") == "Zebra" and "the <i>source" in tab.text("#list .card")
    tab.run("document.querySelector('#list .card').click()")
    tab.until(f"{ROOT}opened === '3'")
    shown = tab.text("#detail")
    assert "</script></script><img src=x" in shown and "&amp;" in shown
    # What cannot be seen is told, and turns nothing around.
    told = tab.run(
        "[...document.querySelectorAll('#detail .field .unseen')].map((u) => u.textContent)"
    )
    assert told == ["U+202E", "U+0000"] and "\u202e" not in shown
    go(tab, "left?f.reason=refusal")
    tab.run("document.querySelector('#list .card').click()")
    tab.until(f"Number({ROOT}opened) >= 0")
    assert "<script>document." in tab.text("#detail .life")
    assert is_unharmed(tab) and tab.errors == []
    origin = server.address.rsplit("/", 2)[0]
    assert tab.requests and all(url.startswith(origin) for url in tab.requests)


def test_no_text_becomes_markup_and_no_other_script_runs(server: Server, tab: Tab) -> None:
    tab.open(server.address)
    refused = tab.run(
        "(() => { try { document.body.innerHTML = '<p>'; return 'taken'; }"
        "catch (error) { return error.name; } })()"
    )
    assert refused == "TypeError"
    tab.run(
        "(() => { const s = document.createElement('script'); const i = new Image();"
        "try { s.textContent = 'document.documentElement.dataset.owned = 1'; } catch {}"
        f"document.body.append(s); i.onerror = () => {{ {ROOT}refused = 1 }};"
        "i.src = 'https://example.org/x.png'; document.body.append(i); })()"
    )
    tab.until(f"{ROOT}refused === '1'")
    assert tab.run(f"{ROOT}owned ?? 'no'") == "no"


def test_the_script_makes_markup_in_one_place() -> None:
    for name in SCRIPTS:
        text = text_of(name)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text)
        assert text.count("parseFromString") == (1 if "stretches" in name else 0), name


def test_what_is_filtered_and_found_is_what_the_run_holds(
    server: Server, run: Path, tab: Tab
) -> None:
    tab.open(server.address)
    go(tab, "left")
    choose(tab, "reason", "refusal")
    assert tab.text("#count") == "1 to 7 of 7 that left"
    assert all(text.startswith("refusal dropped at 03-refusals") for text in cards(tab))
    marked = tab.run("[...document.querySelectorAll('#list mark.match')].map((m) => m.textContent)")
    assert len(marked) == 7 and all(text in REFUSED for text in marked)
    go(tab, "kept")
    assert tab.text("#count") == "1 to 50 of 126 records"
    tab.until("!!document.getElementById('low')")
    rows = [row for t in Content(run).table("kept").shelves[0].files for row in _rows(t)]
    long = [r for r in rows if sum(len(text) for _, text in fields(r, "all")) >= 110]
    tab.run(
        f"(() => {{ {ROOT}busy = 'yes'; const low = document.getElementById('low');"
        "low.value = '110'; low.dispatchEvent(new Event('change')); })()"
    )
    drawn(tab)
    assert f"of {len(long)} records" in tab.text("#count") and 0 < len(long) < 126
    # Its address says it all: a page that is loaded again shows the same.
    assert "low=110" in tab.run("location.hash")
    load_again(tab)
    assert f"of {len(long)} records" in tab.text("#count")


def _rows(path: Path) -> list[dict[str, Any]]:
    from stages.corpus import read_arrow

    rows: list[dict[str, Any]] = read_arrow(path).to_pylist()
    return rows


def test_a_number_of_the_flow_leads_to_its_rows(server: Server, tab: Tab) -> None:
    tab.open(server.address)
    tab.run(f"{ROOT}busy = 'yes'")
    tab.click('tr[data-step="02-quality"] td[data-count=dropped] a')
    drawn(tab)
    assert tab.run(f"{ROOT}part") == "left" and tab.text("#count") == "1 to 7 of 7 that left"
    assert all("too_short" in text for text in cards(tab))


def test_the_keyboard_is_enough(server: Server, tab: Tab) -> None:
    tab.open(server.address)
    focus = "document.activeElement"
    tab.key("/")
    tab.until(f"{focus}.id === 'words'")
    drawn(tab)
    for letter in '"question 3':
        tab.key(letter)
    tab.until("document.getElementById('count').textContent.endsWith('of 11 records')")
    tab.key("Enter")
    tab.key("Escape")
    tab.key("j")
    tab.until(f"{focus}.classList.contains('chosen')")
    first = tab.run(f"{focus}.dataset.at")
    tab.key("j")
    assert tab.run(f"{focus}.dataset.at") != first
    tab.key("k")
    assert tab.run(f"{focus}.dataset.at") == first
    outline = tab.run(f"getComputedStyle({focus}).outlineStyle")
    assert outline == "solid"  # whoever has no mouse sees where they are
    tab.key("Enter")
    tab.until(f"{ROOT}opened === '{first}' && !document.getElementById('detail').hidden")
    tab.key("Escape")
    tab.until("document.getElementById('detail').hidden")
    assert tab.run(f"{focus}.dataset.at") == first
    tab.key("/")
    tab.until(f"{focus}.id === 'words'")
    tab.run("document.getElementById('clear').click()")
    tab.until("document.getElementById('count').textContent === '1 to 50 of 126 records'")
    tab.key("Escape")
    tab.key("n")
    tab.until("document.getElementById('count').textContent.startsWith('51 to 100 of 126')")
    tab.key("k")  # over the beginning of a page
    tab.until("document.getElementById('count').textContent.startsWith('1 to 50 of 126')")
    tab.until(f"{focus}.dataset.at !== undefined")
    assert tab.run(f"{focus} === document.querySelector('#list').lastElementChild")
    tab.key("?")
    assert tab.run("document.getElementById('keys').open")


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_scrolls_sideways(server: Server, tab: Tab, dark: bool) -> None:
    tab.open(server.address, 390, 844, dark)
    over = "document.documentElement.scrollWidth - innerWidth"
    assert tab.run(over) <= 0
    # The flow stands upright.
    seen = "[...document.querySelectorAll('#flow .plot')].filter((p) => p.offsetParent)"
    assert set(tab.run(f"{seen}.map((p) => p.className)")) == {"plot narrow"}
    for part in ("kept?words=zebra", "left"):
        go(tab, part)
        tab.until("!!document.getElementById('clear')")
        assert tab.run(over) <= 0, part
        tab.run("document.querySelector('#list .card').click()")
        tab.until(f"Number({ROOT}opened) >= 0")
        assert tab.run(over) <= 0, part
        assert not tab.run("document.querySelector('#list').offsetParent")  # the row has the screen
        tab.key("Escape")
    tab.run("location.hash = '#result'")
    tab.until("document.querySelectorAll('#result section').length > 2")
    assert tab.run(over) <= 0


def test_light_and_dark_follow_the_system_and_the_switch(server: Server, tab: Tab) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    tab.open(server.address, dark=True)
    dark = tab.run(paper)
    tab.open(server.address)
    light = tab.run(paper)
    assert light != dark
    tab.click("#theme")
    tab.click("#theme")
    assert tab.run(paper) == dark and "dark" in tab.text("#theme")
    load_again(tab)
    assert tab.run(paper) == dark
    tab.click("#theme")
    assert tab.run(paper) == light and "system" in tab.text("#theme")


def test_the_file_shows_the_same_without_a_server(file: Path, tab: Tab) -> None:
    tab.open(file)
    assert tab.run(f"{ROOT}ready") == "yes" and tab.errors == []
    assert "This file holds 30 of 126 records and 14 of 14 that left" in tab.text("#status")
    assert len(tab.run("[...document.querySelectorAll('#flow tr[data-step]')].map((r) => 1)")) == 3
    go(tab, "kept?words=zebra")
    assert len(cards(tab)) == 1 and tab.text("#list mark.hit") == "Zebra"
    tab.run("document.querySelector('#list .card').click()")
    tab.until(f"{ROOT}opened === '3'")
    assert "<script>document." in tab.text("#detail") and "01-jsonl-the" in tab.text(".life")
    go(tab, "left")
    choose(tab, "reason", "too_short")
    assert tab.text("#count") == "1 to 7 of 7 that left"
    tab.run("location.hash = '#result'")
    tab.until("document.querySelectorAll('#result section').length > 2")
    assert is_unharmed(tab) and tab.requests == [file.as_uri()]
    text = file.read_text(encoding="utf-8")
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0]
    assert "connect-src" not in policy and "unsafe-eval" not in policy
    assert (
        HOSTILE[:20]
        not in text.replace("&lt;", "<").partition("<footer")[0].split("data-packed")[0]
    )


def test_of_each_reason_a_file_has_some(run: Path, file: Path, tab: Tab) -> None:
    small = file.with_name("small.html")
    small.write_text(exported(Content(run), 4, lambda done, todo: None), encoding="utf-8")
    tab.open(small)
    go(tab, "left")
    reasons = [text.split()[0] for text in cards(tab)]
    assert sorted(reasons) == ["refusal", "refusal", "too_short", "too_short"]


def test_a_run_that_is_gone_is_one_message_on_the_page(run: Path, tab: Tab, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    with Server(copy) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        tab.open(server.address)
        shutil.rmtree(copy)
        tab.run("location.hash = '#kept'")
        tab.until("!document.getElementById('trouble').hidden")
        assert tab.text("#trouble") == (
            f"{copy} is gone, or no run or corpus: name one that is there"
        )
        server.shutdown()
    tab.run("window.fetch = () => Promise.reject(new TypeError('gone'))")
    tab.run("location.hash = '#left'")
    tab.until("document.getElementById('trouble').textContent.startsWith('the server does not')")
