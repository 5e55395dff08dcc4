"""The built page behind a server of this machine, and headless Chromium to open it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ..report.browser import Browser, Page, find_browser

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "page"
BUILT = "CALOSIM_TEST_PAGE"

# its modules are scripts beside the page, no package
sys.path.append(str(SOURCES))


class Server(ThreadingHTTPServer):
    """Files of a folder on a free port; ``replaced`` holds other contents, or None for a file that is not there."""

    def __init__(self, folder: Path):
        self.replaced: dict[str, bytes | None] = {}
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server_port}/"


class _Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].lstrip("/")
        if name not in self.server.replaced:
            super().do_GET()
            return
        content = self.server.replaced[name]
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", self.guess_type(name))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *args) -> None:
        """Nothing: requests are seen in the browser."""


@pytest.fixture(scope="session")
def built() -> Path:
    """Folder of the built page."""
    if BUILT not in os.environ:
        pytest.skip("needs the page, which npm and TensorFlow build: make test-page")
    return Path(os.environ[BUILT])


@pytest.fixture
def server(built) -> Iterator[Server]:
    """The built page, served."""
    with Server(built) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    found = Browser(find_browser(), tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


@pytest.fixture
def open_page(browser, server):
    """``open_page(settings, width, prelude)`` opens the page with settings of its address, and waits for a shower."""

    def opened(settings: str = "", width: int = 1280, prelude: str = "", ready: str = "!shown.hidden") -> Page:
        # the cache would hide what the server replaces
        page = Page(browser, f"{server.address}{settings and '#' + settings}", width, prelude)
        page.wait_until(f"document.querySelector('#status.failed') !== null || {ready}")
        return page

    return opened
