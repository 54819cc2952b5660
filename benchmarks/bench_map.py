"""The map at its largest: size, time to load and to select in a real browser.

    python -m benchmarks.bench_map [--records 200000]

Records are made by seed: 60 topics in 64 dimensions with texts of 20 words of their own vocabulary.
The browser is headless Chromium with software WebGL, on file://. `loaded` is from the call of the
address to the last pane drawn. Wall times hold for a machine that does nothing else; the CPU
seconds of the page's main thread hold on a busy one as well.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks.measure import cpu, header, table
from stages.select.map.read import KEPT, SHORT, Records

TOPICS = 60


def made(count: int) -> Records:
    """Topics of different size, a tenth of the records dropped."""
    import numpy as np

    random = np.random.default_rng(7)
    topic = np.minimum(random.geometric(0.05, count) - 1, TOPICS - 1)
    centres = random.normal(size=(TOPICS, 64)).astype(np.float32) * 2
    vectors = centres[topic] + random.normal(size=(count, 64)).astype(np.float32)
    letters = np.array(list("etaoinshrdlu"))
    words = ["".join(random.choice(letters, 3 + n % 6)) for n in range(TOPICS * 50)]
    which = random.integers(0, 50, (count, 20)) + 50 * topic[:, None]
    texts = [" ".join(words[n] for n in row)[:SHORT] for row in which.tolist()]
    left = {n: "nearest 0, score 0.7" for n in range(0, count, 10)}
    return Records(
        "bench", [f"{n:032x}" for n in range(count)], ["site"] * count, texts,
        vectors.astype(np.float16),
        ["select: not_selected" if n in left else KEPT for n in range(count)],
        left, topic.astype(np.int64), random.gamma(2, 1, count),
    )  # fmt: skip


def main() -> None:
    """Make the page, open it, time it."""
    from stages.select.map.write import written
    from tests.browser import browser

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    given = parser.parse_args()
    header("map", "numpy")
    records = made(given.records)
    rows: list[list[str]] = [["load average of the machine", f"{os.getloadavg()[0]:.1f}"]]
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "map.html"
        begin = cpu()
        page.write_text(written(records, "pca"), encoding="utf-8")
        rows.append([f"page of {given.records:,} records made, CPU s", f"{cpu() - begin:.1f}"])
        rows.append(["page, MB", f"{page.stat().st_size / 1e6:.1f}"])
        with browser(Path(folder) / "profile") as tab:
            start = time.monotonic()
            tab.open(page)
            rows.append(["loaded, s (limit 5)", f"{time.monotonic() - start:.2f}"])
            main_thread = tab.seconds()
            rows.append(["  of which the main thread, CPU s", f"{main_thread:.2f}"])
            for name, script in (
                ("a topic selected", "document.querySelector('#clusters tbody tr').click()"),
                ("texts searched", "seedbed.shown.search('zzz')"),
            ):
                before = tab.seconds()
                tab.run(script)
                time.sleep(0.3)
                rows.append(
                    [f"{name}, main thread, CPU ms", f"{1000 * (tab.seconds() - before):.0f}"]
                )
    table(("what", "measured"), rows)


if __name__ == "__main__":
    main()
