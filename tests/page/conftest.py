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

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "page"
BUILT = "CALOSIM_TEST_PAGE"
SETTINGS = {
    "photon": "detector=photon&energy=16384&seed=7",
    "pion": "detector=pion&energy=5000&seed=1",
    "lhcb": "detector=lhcb&energy=20000&theta_x=12&theta_y=-5&aim_x=3&aim_y=-4&seed=9007199254740991",
}

# its modules are scripts beside the page, no package; the browser is that of the tests of the report
sys.path += [str(SOURCES), str(ROOT / "tests" / "report")]

from browser import EXCESS_WIDTH, Browser, Page, find_browser  # noqa: E402

__all__ = ["EXCESS_WIDTH", "Page"]


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

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *args) -> None:
        """Nothing: requests are seen in the browser."""


@pytest.fixture(scope="session")
def built() -> Path:
    """Folder of the built page."""
    if BUILT not in os.environ:
        pytest.skip("needs the page, which npm and TensorFlow build: make test-page")
    return Path(os.environ[BUILT])


@pytest.fixture(scope="session")
def all_tests_server(built) -> Iterator[Server]:
    with Server(built) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def server(all_tests_server) -> Iterator[Server]:
    """The built page, served."""
    yield all_tests_server
    all_tests_server.replaced.clear()


@pytest.fixture(scope="session")
def browser(built, tmp_path_factory) -> Iterator[Browser]:
    found = Browser(find_browser(), tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


@pytest.fixture
def open_page(browser, server):
    """``open_page(prelude)`` opens the page anew, and waits for a shower or for what is wrong."""

    def opened(prelude: str = "") -> Page:
        page = Page(browser, server.address, 1280, prelude)
        page.wait_until("document.querySelector('#status.failed') !== null || !shown.hidden")
        return page

    return opened


@pytest.fixture(scope="session")
def first_page(browser, all_tests_server) -> Page:
    """Compiling WebAssembly takes a second or two, so most tests have one page."""
    return Page(browser, f"{all_tests_server.address}#{SETTINGS['photon']}", 1280)


@pytest.fixture
def page(first_page, server) -> Page:
    """The page, with a photon shower."""
    show(first_page, "photon")
    return first_page


def show(page: Page, name: str) -> None:
    """Settings of a detector by the address, as a link has them."""
    energy = SETTINGS[name].partition("energy=")[2].partition("&")[0]
    page.value(f"batch.value = '100'; location.hash = ''; location.hash = '{SETTINGS[name]}'")
    page.wait_until(f"command.textContent.includes('{name}_bundle --backend onnx --energies {energy}')")
