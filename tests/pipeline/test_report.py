"""The report in a real browser: its counts are the manifests', hostile text stays text."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from pipeline.engine.account import load_run
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.views.figures import text_read, totals
from pipeline.views.lives import life_of
from pipeline.views.report import write_report
from pipeline.views.report.changed import changes
from pipeline.views.report.left import marked, text_of_reasons
from stages.corpus import Corpus
from stages.words import number
from tests.browser import browser
from tests.pipeline import world

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium here: apt install chromium")


def rendered(page: Path, profile: Path) -> str:
    """The page's document after a browser has read it and run whatever scripts it ran."""
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


class _Cells(HTMLParser):
    """The text of each element that carries one of the data attributes, by its row."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[str, dict[str, str]] = {}
        self.reasons: dict[str, str] = {}
        self.totals: dict[str, str] = {}
        self.scripts = 0
        self._step = self._key = self._total = ""
        self._into: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += tag == "script"
        self._into = None
        if "data-step" in given:
            self._step = given["data-step"] or ""
            self.steps[self._step] = {}
        if "data-total" in given:
            self._total = given["data-total"] or ""
        if "data-count" in given:
            self._into, self._key = self.steps[self._step], given["data-count"] or ""
        elif "data-reason" in given:
            self._into, self._key = self.reasons, given["data-reason"] or ""
        elif tag == "b" and self._total:
            self._into, self._key, self._total = self.totals, self._total, ""

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[self._key] = data
            self._into = None


@needs_browser
def test_the_counts_in_the_page_are_the_manifests(sample_run: Path, tmp_path: Path) -> None:
    cells = _Cells()
    cells.feed(rendered(sample_run / "report.html", tmp_path / "profile"))
    account = load_run(sample_run)
    steps = [step for step in account["steps"] if step["counts"]]
    assert list(cells.steps) == [step["label"] for step in steps] and len(steps) >= 12
    reasons = {}
    for step in steps:
        counts = Corpus(sample_run / step["folder"]).manifest["counts"]
        for key in ("seen", "kept", "dropped", "failed", "made"):
            assert cells.steps[step["label"]][key] == number(counts[key])
        reasons |= {f"{step['label']}/{name}": number(n) for name, n in counts["reasons"].items()}
    assert cells.reasons == reasons and len(reasons) >= 12
    all_ = totals(account)
    shown = {"in": all_.seen, "kept": all_.kept, "dropped": all_.dropped, "failed": all_.failed}
    assert {name: cells.totals[name] for name in shown} == {
        name: number(value) for name, value in shown.items()
    }
    assert all_.seen + all_.more == all_.kept + all_.dropped + all_.failed
    assert cells.scripts == 0


@needs_browser
def test_planted_markup_is_text(tmp_path: Path) -> None:
    attack = '<script>document.body.id="owned"</script><img src=x onerror="document.body.id=1">'
    folder = tmp_path / f"in {attack[:8].replace('/', '')}"
    folder.mkdir()
    lines = [json.dumps({"text": attack}), json.dumps({"text": attack}), attack]
    (folder / "x.jsonl").write_text("\n".join(lines) + "\n")
    recipe = tmp_path / "recipe.yaml"
    path = json.dumps(str(folder / "x.jsonl"))
    recipe.write_text(
        f"version: 1\nname: attack\nsources:\n  - jsonl: {{path: {path}, name: '<i>n</i>'}}\n"
        "steps: [dedup]\n"
    )
    result = run_recipe(read_recipe(recipe))
    document = rendered(result.folder / "report.html", tmp_path / "profile")
    cells = _Cells()
    cells.feed(document)
    assert cells.scripts == 0 and "<img" not in document and "<i>n" not in document
    assert re.search("<body>", document)
    assert attack in html.unescape(document).replace("<mark>", "").replace("</mark>", "")


def test_the_report_is_one_offline_file(sample_run: Path) -> None:
    page = write_report(sample_run).read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!#)""", page)
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page
    assert os.listdir(sample_run).count("report.html") == 1


def test_the_match_is_marked_where_its_span_says() -> None:
    text = "an ape, an <ape>"
    assert marked(text, {"match": "ape", "span": [12, 15]}) == (
        "an ape, an &lt;<mark>ape</mark>&gt;"
    )
    assert marked(text, {"match": "an"}).startswith("<mark>an</mark> ape")
    assert "… <mark>zzz</mark>" in marked(text, {"match": "zzz", "span": [5000, 5003]})
    assert marked("<b>", {}) == "&lt;b&gt;"


def test_kept_records_are_shown_with_what_is_learned_of_them(sample_run: Path) -> None:
    page = (sample_run / "report.html").read_text(encoding="utf-8")
    part = page.partition('id="some-of-the-kept-records"')[2].partition("</section>")[0]
    corpus = Corpus(sample_run / "corpus").table(["id", "source", "completion"]).to_pylist()
    shown = [row for row in corpus if row["id"] in part]
    sources = {row["source"] for row in corpus}
    assert {row["source"] for row in shown} == sources and len(sources) == 6
    for row in shown:
        if row["completion"]:
            first = str(escape(row["completion"].split("\n")[0][:60]))
            assert f'<mark class="learned">{first}' in part


def test_changed_texts_are_differences(sample_run: Path) -> None:
    found = {one.step: one for one in changes(load_run(sample_run), sample_run)}
    steps = [step for step in load_run(sample_run)["steps"] if step["counts"]]
    wanted = {s["label"]: s["counts"]["changed"] for s in steps if s["counts"]["changed"]}
    assert {label: one.count for label, one in found.items()} == wanted and len(wanted) >= 3
    samples = found["07-normalize"].samples
    assert samples
    for row, texts in samples:
        life = life_of(row["id"], sample_run, load_run(sample_run))
        chapter = next(one for one in life.chapters if one.label == "07-normalize")
        for name, pieces in texts:
            old, new = chapter.changed[name]
            assert all(one.text in old for one in pieces if one.fate == "removed")
            assert all(one.text in new for one in pieces if one.fate == "added")
    page = (sample_run / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<del>&amp;\w+;?</del>|<del>.*?</del><ins>", page)


def test_the_text_that_left_has_its_share_of_all_that_was_read(sample_run: Path) -> None:
    account = load_run(sample_run)
    found = list(text_of_reasons(account, sample_run))
    read = text_read(account)
    assert all(one.of_all == one.count / read <= 1 for one in found) and len(found) >= 12
    lost = sum(one.count for one in found)
    assert lost == sum(
        sum(step["counts"]["text"]["removed"].values())
        for step in account["steps"]
        if step["counts"]
    )
    page = (sample_run / "report.html").read_text(encoding="utf-8")
    most = max(found, key=lambda one: one.count)
    assert f'data-removed="{most.step}/{most.reason}">{number(most.count)}<' in page


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_nothing_runs_out_of_the_page(
    sample_run: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    """Also with names as long as people give them: nothing is cut, nothing scrolls sideways."""
    account = json.loads((sample_run / "run.json").read_text())
    folder = tmp_path / "run"
    shutil.copytree(sample_run, folder)
    for source in account["sources"]:
        long = f"{source['name']}-of-the-northern-isles"
        for step in account["steps"]:
            step["source"] = long if step["source"] == source["name"] else step["source"]
        source["name"] = long
    (folder / "run.json").write_text(json.dumps(account))
    write_report(folder)
    page = folder / "report.html"
    page.write_text(page.read_text().replace('<html lang="en">', '<html lang="en" data-ready>'))
    with browser(tmp_path / "profile") as tab:
        tab.open(page, width, 900, dark)
        assert tab.run("document.documentElement.scrollWidth") <= width
        out = tab.run(
            "[...document.querySelectorAll('svg text')].filter((one) => {"
            "const own = one.getBoundingClientRect(), all = one.ownerSVGElement"
            ".getBoundingClientRect();"
            "return own.width && (own.left < all.left - 1 || own.right > all.right + 1 "
            "|| own.top < all.top - 1); }).map((one) => one.textContent)"
        )
        assert out == []
        if width == 1280:
            assert "instructions-of-the-northern" in tab.run(
                "document.querySelector('svg').textContent"
            )
        assert not tab.errors


def test_a_rerun_from_the_store_tells_the_times_of_the_first(tmp_path: Path) -> None:
    world.lines(tmp_path / "in.jsonl", range(30))
    recipe = world.recipe(tmp_path, "jsonl: {path: in.jsonl}", "[normalize]")
    run_recipe(read_recipe(recipe))
    folder = run_recipe(read_recipe(recipe)).folder
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "what came from the store had taken" in page and "from the store; computed" in page
