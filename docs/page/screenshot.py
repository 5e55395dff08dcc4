"""Make docs/figures/browser.png: `.venv/bin/python docs/page/screenshot.py`, after `make page`, with Chromium."""

from __future__ import annotations

import base64
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = "detector=photon&energy=16384&seed=0&shower=2"
WIDTH, HEIGHT = 1280, 838


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        """Nothing."""


def main() -> None:
    """Open the page, wait for showers and speed, and keep what a visitor sees first."""
    sys.path.append(str(ROOT / "tests" / "report"))  # the tests drive the same browser
    from browser import Browser, Page, find_browser

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(ROOT / "docs" / "_build" / "page")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(find_browser(), Path(profile))
        page = Page(browser, f"http://127.0.0.1:{server.server_port}/#{SETTINGS}", WIDTH)
        page.wait_until("/µs/.test(speed.textContent)")
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": 1}
        picture = page.do("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        browser.close()
    # 256 colours are enough, and half the size
    image = Image.open(BytesIO(base64.b64decode(picture))).convert("RGB").quantize(256)
    image.save(ROOT / "docs" / "figures" / "browser.png", optimize=True)


if __name__ == "__main__":
    main()
