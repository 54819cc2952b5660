"""The page of token curves at its largest: size, time to load and to select in a real browser.

    python -m benchmarks.bench_explorer [--curves 100000] [--steps 40] [--projection pca|umap]

The curves are made here by seed: logistic falls of different depth and time, with noise, in records
of 200 tokens of a vocabulary of 20,000 words drawn by a power law. The browser is headless Chromium
with software WebGL, on file://. `loaded` is from the call of the address to the last pane drawn.
A selection is timed within the page, from the lasso's polygon to panes and table drawn, for one in
ten and for all of the points; the median of seven.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.measure import header, table
from stages.curves.page.tokens import TokenCurves

RECORD = 200


def made(count: int, steps: int) -> TokenCurves:
    """Curves around falls of different depth and time."""
    import numpy as np

    random = np.random.default_rng(7)
    at = np.unique(np.concatenate([[0], np.geomspace(1, 20000, steps - 1).astype(np.int64)]))
    at = np.concatenate([at, at[-1] + np.arange(1, steps - len(at) + 1)])
    place = np.log1p(at)
    depth, time_ = random.gamma(2, 1.5, count), random.normal(5, 2, count)
    start = 9 + random.normal(0, 0.5, count)
    fall = (start - depth)[:, None] / (1 + np.exp(time_[:, None] - place))
    losses = np.clip(start[:, None] - fall + random.normal(0, 0.25, (count, steps)), 0, None)
    ids = np.minimum(random.zipf(1.3, count) - 1, 19999).astype(np.uint32)
    begins = np.unique(np.append(np.arange(0, count, RECORD), count))
    letters = np.array(list("etaoinshrdlu"))
    texts = [" " + "".join(random.choice(letters, 3 + n % 5)) + str(n) for n in range(20000)]
    names = [f"{n:032x} (train)" for n in range(len(begins) - 1)]
    sources = [("forum", "site", "tables")[n % 3] for n in range(len(begins) - 1)]
    return TokenCurves(
        at, losses.astype(np.float32), ids, begins.astype(np.int64), np.arange(count), texts, names,
        sources,
    )  # fmt: skip


TIMED = """(async () => {
  const { explorer } = seedbed.shown;
  const times = [], rest = () => new Promise((done) => setTimeout(done, 150));
  for (let round = 0; round < 7; round++) {
    const begin = performance.now();
    explorer.scatter.plot.lassoSelect(POLYGON, { isGl: true, preventEvent: true });
    explorer.choose(explorer.scatter.plot.get("selectedPoints"), "", false);
    times.push(performance.now() - begin);
    await rest();
  }
  return [explorer.state.chosen.length, times];
})()"""


def main() -> None:
    """Make the page, open it, time it."""
    from stages.curves.page.write import Content, written
    from tests.browser import browser

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--projection", choices=["pca", "umap"], default="pca")
    given = parser.parse_args()
    header("explorer", "numpy", "umap-learn")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "curves.html"
        curves = made(given.curves, given.steps)
        begin = time.process_time()
        page.write_text(written(Content("benchmark", tokens=curves, way=given.projection)))
        rows.append(["page made, CPU s", f"{time.process_time() - begin:.1f}"])
        rows.append(["page, MB (limit 15)", f"{page.stat().st_size / 1e6:.2f}"])
        with browser(Path(folder) / "profile") as tab:
            begin = time.monotonic()
            tab.open(page)
            rows.append(["loaded, s (limit 5)", f"{time.monotonic() - begin:.2f}"])
            rows.append(["  of which the main thread, CPU s", f"{tab.seconds():.2f}"])
            assert not tab.errors, tab.errors
            side = "[[-.1,-1],[.1,-1],[.1,1],[-.1,1]]"
            for polygon in (side, "[[-2,-2],[2,-2],[2,2],[-2,2]]"):
                begin = tab.seconds()
                chosen, times = tab.run(TIMED.replace("POLYGON", polygon))
                middle = statistics.median(times)
                rows.append([f"{chosen:,} points selected, ms (limit 50)", f"{middle:.0f}"])
                spent = (tab.seconds() - begin) / len(times)
                rows.append(["  the main thread with drawing, CPU ms", f"{1000 * spent:.0f}"])
    table(["what", "measured"], rows)


if __name__ == "__main__":
    main()
