"""Main text of pages: ours against BeautifulSoup's get_text, trafilatura and justext.

    python -m benchmarks.bench_html [--repeats 5]
    python -m benchmarks.bench_html --folder DOCS --every 20

Pages: sample_data/site, and the sentences of sample_data/facts.jsonl that must be in their text.
Chrome: strings that stand on at least half of the pages (menus, notices, footers).
The site was written for this project, so this tells speed and a floor, not the quality on the web.
--folder: speed alone, over every so many pages of a folder of yours, Markdown and metadata on both
sides.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import header, in_turn, peer, table
from benchmarks.texts import SAMPLE
from stages import json_lines

Extract = Callable[[bytes], str]


def squeezed(text: str) -> str:
    """Words with one space between them; without the signs of Markdown."""
    return re.sub(r"\s+", " ", re.sub(r"[*`_|\\]", "", text))


def pages() -> dict[str, bytes]:
    """Path → bytes of the pages that facts are asked of."""
    names = sorted({row["file"] for row in json_lines.read(SAMPLE / "facts.jsonl")})
    return {name: (SAMPLE / name).read_bytes() for name in names}


def chrome(found: dict[str, bytes]) -> list[str]:
    """Strings of three words or more that stand on half of the pages."""
    from bs4 import BeautifulSoup

    often: Counter[str] = Counter()
    for data in found.values():
        soup = BeautifulSoup(data, "html.parser")
        for tag in soup(["script", "style", "head"]):
            tag.decompose()
        often.update({squeezed(text) for text in soup.stripped_strings})
    return [text for text, n in often.items() if n * 2 >= len(found) and len(text.split()) >= 3]


def extractors() -> dict[str, Extract]:
    """Ours, and those peers that are installed."""
    from bs4 import BeautifulSoup

    from stages.extract.webpage.page import page

    def soup(data: bytes) -> str:
        document = BeautifulSoup(data, "html.parser")
        for tag in document(["script", "style", "head"]):
            tag.decompose()
        return str(document.get_text("\n", strip=True))

    found: dict[str, Extract] = {"seedbed": lambda data: page(data).text, "BeautifulSoup": soup}
    trafilatura = peer("trafilatura")
    if trafilatura:
        found["trafilatura"] = lambda data: trafilatura.extract(data) or ""
        found["trafilatura fast"] = lambda data: trafilatura.extract(data, fast=True) or ""
    justext = peer("justext")
    if justext:
        english = justext.get_stoplist("English")
        found["justext"] = lambda data: "\n".join(
            part.text for part in justext.justext(data, english) if not part.is_boilerplate
        )
    return found


def speed(folder: Path, every: int, repeats: int) -> None:
    """Print how fast the pages of a folder are read, with Markdown and metadata."""
    from stages.extract.webpage.page import page

    files = sorted(folder.rglob("*.html"))[::every]
    data = [file.read_bytes() for file in files]
    works: dict[str, Callable[[bytes], object]] = {
        "seedbed": lambda raw: page(raw, conversations=True)
    }
    if trafilatura := peer("trafilatura"):
        works["trafilatura"] = lambda raw: trafilatura.extract(
            raw, output_format="markdown", with_metadata=True, include_comments=False
        )
        works["trafilatura, text alone"] = lambda raw: trafilatura.extract(
            raw, include_comments=False
        )
    for work in works.values():
        work(data[0])
    jobs = {name: lambda w=work: [bool(w(raw)) for raw in data] for name, work in works.items()}
    timed = in_turn(jobs, repeats)
    print(f"{len(data)} pages, {sum(map(len, data)) / 1e6:.1f} MB\n")
    rows = [
        (name, 1000 * one.seconds / len(data), timed["seedbed"].times(one))
        for name, one in timed.items()
    ]
    table(("", "CPU ms a page", "seedbed is x"), rows)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    repeats = options.repeats
    if options.folder is not None:
        header("html", "selectolax", "trafilatura", "lxml")
        speed(options.folder, options.every, repeats)
        return
    header("html", "selectolax", "beautifulsoup4", "trafilatura", "justext", "lxml")
    works, site = extractors(), pages()
    rows = json_lines.read(SAMPLE / "facts.jsonl")
    facts = [(row["file"], squeezed(row["quote"])) for row in rows]
    common = chrome(site)
    for work in works.values():
        work(next(iter(site.values())))
    jobs = {
        name: lambda w=work: {at: w(data) for at, data in site.items()}
        for name, work in works.items()
    }
    size = sum(map(len, site.values())) / 1e6
    print(f"{len(site)} pages, {size:.1f} MB, {len(facts)} sentences, {len(common)} of chrome\n")
    timed = in_turn(jobs, repeats)
    rows = []
    for name, one in timed.items():
        texts = {at: squeezed(text) for at, text in one.result.items()}
        recall = sum(quote in texts[at] for at, quote in facts) / len(facts)
        left = sum(part in text for part in common for text in texts.values()) / len(texts)
        words = sum(len(text.split()) for text in texts.values()) / len(texts)
        rows.append((name, f"{recall:.3f}", f"{left:.1f}", f"{words:.0f}",
                     len(site) / one.seconds, timed["seedbed"].times(one)))  # fmt: skip
    head = ("", "sentences", "chrome a page", "words a page", "pages/CPU-s", "seedbed is x")
    table(head, rows)


if __name__ == "__main__":
    main()
