"""Take the pictures of a report that the pages show: `python docs/screenshots.py runs/sample`.

Chromium's window is never narrower than 500 pixels, so the narrow picture is of a frame of 390.
"""

from __future__ import annotations

import html
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write report-1280.png and report-390.png beside this file."""
    report = Path(sys.argv[1]).resolve() / "report.html"
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
    with tempfile.TemporaryDirectory() as folder:
        narrow = Path(folder) / "narrow.html"
        page = html.escape(report.read_text(encoding="utf-8"), quote=True)
        size = "border:0;width:390px;height:2400px"
        frame = f'<iframe style="{size}" srcdoc="{page}"></iframe>'
        narrow.write_text(f'<meta charset="utf-8"><body style="margin:0">{frame}</body>')
        for path, wide, high in ((report, 1280, 2600), (narrow, 500, 2400)):
            name = "report-1280.png" if wide == 1280 else "report-390.png"
            subprocess.run(
                [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                 "--disable-background-networking", f"--user-data-dir={folder}/profile",
                 f"--window-size={wide},{high}", f"--screenshot={HERE / name}", path.as_uri()],
                check=True, capture_output=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
