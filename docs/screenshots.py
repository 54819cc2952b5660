"""Take the pictures that the pages show, of a report and of the page of a run:
`python -m docs.screenshots runs/sample`.

Chromium's window is never narrower than 500 pixels, so the narrow picture is of a frame of 390.
"""

from __future__ import annotations

import base64
import html
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write report-1280.png, report-390.png, view-1280.png and view-390.png beside this file."""
    view(Path(sys.argv[1]))
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


def view(run: Path) -> None:
    """A record beside the list on a wide screen, and what left on a phone, in the dark."""
    from pipeline.views.live.server import Server
    from tests.browser import browser

    with tempfile.TemporaryDirectory() as folder, Server(run) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with browser(Path(folder)) as tab:
            for part, width, high, dark in (
                ("kept?words=seed+tray", 1280, 900, False),
                ("left?f.reason=refusal", 390, 844, True),
            ):
                tab.open(f"{server.address}#{part}", width, high, dark)
                if width == 1280:
                    tab.run("document.querySelector('#list .card').click()")
                    tab.until("Number(document.documentElement.dataset.opened) >= 0")
                tab.until("!!document.getElementById('clear')")
                data = tab.call("Page.captureScreenshot")["data"]
                (HERE / f"view-{width}.png").write_bytes(base64.b64decode(data))
        server.shutdown()


if __name__ == "__main__":
    main()
