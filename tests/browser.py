"""A headless Chromium that tests and benchmarks drive, by its debugging protocol over two pipes.

`--remote-debugging-pipe` reads commands from file descriptor 3 and writes answers to 4, JSON texts
that end in a zero byte: no port is open, and no library is needed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium here: apt install chromium")
Array = np.ndarray[Any, Any]
LIMIT = 60.0  # seconds of a command


class Tab:
    """A page under way. errors: what its script threw or its console was told of as an error."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._rest = to, back, b""
        self._number, self._session = 0, ""
        self.errors: list[str] = []
        self.requests: list[str] = []

    def open(
        self, what: Path | str, width: int = 1280, height: int = 900, dark: bool = False
    ) -> None:
        """Load a file, or an address, and wait until its root says `data-ready`."""
        if not self._session:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            made = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = made["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
            self.call("Performance.enable", timeDomain="threadTicks")
        self.size(width, height)
        value = "dark" if dark else "light"
        features = [{"name": "prefers-color-scheme", "value": value}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.errors.clear()
        self.requests.clear()
        url = what if isinstance(what, str) else what.resolve().as_uri()
        self.call("Page.navigate", url=url)
        self.until("document.documentElement?.dataset.ready !== undefined")

    def size(self, width: int, height: int) -> None:
        """The window's size; below 500 pixels it is a phone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip

    def run(self, script: str) -> Any:
        """The value of an expression, awaited."""
        told = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in told:
            raise AssertionError(told["exceptionDetails"].get("exception", told).get("description"))
        return told["result"].get("value")

    def seconds(self) -> float:
        """CPU seconds of the page's main thread so far: what a busy machine does not change."""
        metrics = self.call("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    def until(self, script: str, seconds: float = LIMIT) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self._holds(script):
            assert time.monotonic() < end, f"not within {seconds:g} s: {script}; {self.errors}"
            time.sleep(0.02)

    def _holds(self, script: str) -> bool:
        try:
            return bool(self.run(script))
        except AssertionError as error:
            if "navigated" not in str(error):  # away from the page that was asked
                raise
            return False

    def key(self, key: str) -> None:
        """Press and let go a key: a letter, or a name such as Enter or Escape."""
        codes = {"Enter": 13, "Escape": 27, " ": 32, "/": 191, "?": 191, '"': 222}
        code = codes[key] if key in codes else ord(key.upper())
        given = {"key": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r" if key == "Enter" else key} if key != "Escape" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **given, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def mouse(self, kind: str, x: float, y: float, modifiers: int = 0) -> None:
        """kind: pressed, released or moved. modifiers: 8 is Shift."""
        button = {"button": "none" if kind == "moved" and not self._held else "left"}
        self._held = kind == "pressed" or (kind == "moved" and self._held)
        self.call(
            "Input.dispatchMouseEvent",
            type=f"mouse{kind.title()}",
            x=x, y=y, modifiers=modifiers, clickCount=int(kind != "moved"),
            buttons=int(self._held), **button,
        )  # fmt: skip

    _held = False

    def click(self, selector: str) -> None:
        """Click the middle of the first element that a selector finds."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.mouse("pressed", x, y)
        self.mouse("released", x, y)

    def text(self, selector: str) -> str:
        """The text of the first element that a selector finds."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).textContent"))

    def picture(
        self, selector: str | None = None, path: Path | None = None
    ) -> np.ndarray[Any, Any]:
        """The pixels [height, width, 3] of an element or of the whole page; also into a file."""
        given: dict[str, Any] = {"captureBeyondViewport": True}
        if selector is None:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            given["clip"] = {**size, "scale": 1}
        else:
            x, y, width, height = self.run(
                f"(() => {{ const b = document.querySelector({json.dumps(selector)})"
                ".getBoundingClientRect();"
                "return [b.x + scrollX, b.y + scrollY, b.width, b.height]; })()"
            )
            given["clip"] = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        data = base64.b64decode(self.call("Page.captureScreenshot", **given)["data"])
        if path is not None:
            path.write_bytes(data)
        return self._pixels(base64.b64encode(data).decode())

    def _pixels(self, png: str) -> Array:
        """What the browser itself decodes a picture to."""
        width, height, text = self.run(f"""(async () => {{
          const bytes = Uint8Array.from(atob("{png}"), (one) => one.charCodeAt(0));
          const image = await createImageBitmap(new Blob([bytes], {{ type: "image/png" }}));
          const canvas = new OffscreenCanvas(image.width, image.height);
          const drawing = canvas.getContext("2d");
          drawing.drawImage(image, 0, 0);
          const {{ data }} = drawing.getImageData(0, 0, image.width, image.height);
          let text = "";
          for (let at = 0; at < data.length; at += 32768)
            text += String.fromCharCode(...data.subarray(at, at + 32768));
          return [image.width, image.height, btoa(text)];
        }})()""")
        pixels = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
        return pixels.reshape(height, width, 4)[..., :3]

    @contextlib.contextmanager
    def before(self, script: str) -> Iterator[None]:
        """Run a script in every page that is opened within, before its own."""
        made = self.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        yield
        self.call("Page.removeScriptToEvaluateOnNewDocument", **made)

    def call(self, method: str, **given: Any) -> Any:
        """A command of the protocol and its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + LIMIT
        while True:
            told = self._next(end)
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                return told["result"]
            self._event(told)

    def _event(self, told: dict[str, Any]) -> None:
        kind, given = told.get("method"), told.get("params", {})
        if kind == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.errors.append(str(details.get("exception", details).get("description", details)))
        elif kind == "Log.entryAdded" and given["entry"]["level"] == "error":
            self.errors.append(given["entry"]["text"])
        elif kind == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"Chromium said nothing for {LIMIT:g} s"
            got = os.read(self._back, 1 << 20)
            assert got, "Chromium ended"
            self._rest += got
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """A browser with one tab, ended with what it started. profile: a folder for its files."""
    to_read, to_write = os.pipe()
    back_read, back_write = os.pipe()
    # The two ends may have any number here and must be 3 and 4 there: the shell moves them.
    script = f'exec "$0" "$@" 3<&{to_read} 4>&{back_write}'
    started = subprocess.Popen(
        [
            "/bin/bash", "-c", script, BROWSER, "--headless", "--no-sandbox", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
            "--hide-scrollbars", f"--user-data-dir={profile}", "--remote-debugging-pipe",
            "about:blank",
        ],
        pass_fds=(to_read, back_write), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_read)
    os.close(back_write)
    tab = Tab(to_write, back_read)
    try:
        yield tab
    finally:
        with contextlib.suppress(Exception):
            tab._session = ""
            tab.call("Browser.close")
        os.close(to_write)
        os.close(back_read)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, 9)
            started.wait()
