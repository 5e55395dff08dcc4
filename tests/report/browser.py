"""Headless Chromium through its debugging pipe: what a page requests, reports and shows."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# a page that is wider than the screen scrolls as a whole; tables and images scroll inside of it
EXCESS_WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--no-first-run", "--disable-component-update", "--disable-dev-shm-usage", "--remote-debugging-pipe"),
)


class Browser:
    """One process; commands and events are JSON texts that end in a zero byte, on file descriptors 3 and 4."""

    def __init__(self, executable: str, profile: Path):
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        command = [executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        # the shell puts the two ends on 3 and 4, whatever their numbers are here (sh itself knows one digit only)
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}', *command],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._numbers = itertools.count(1)
        self._buffer = b""
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol and its answer; events on the way are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            received = self._receive()
            if received.get("id") == number:
                assert "error" not in received, f"{method}: {received['error']}"
                return received["result"]
            self.events.append(received)

    def wait_for(self, method: str) -> None:
        """Read events until one of this kind has come."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            block = os.read(self._read, 2**16)
            assert block, f"Chromium ended with exit code {self.process.wait()}"
            self._buffer += block
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def close(self) -> None:
        os.close(self._write)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._read)


class Page:
    """A page that was opened and has loaded.

    Parameters
    ----------
    browser : Browser
    address : Path or str
        A file, or a URL.
    width : int
        Of the window, pixels; a phone below 600.
    prelude : str
        JavaScript that runs before any of the page.
    """

    def __init__(self, browser: Browser, address: Path | str, width: int, prelude: str = ""):
        self._browser = browser
        self.address = address if isinstance(address, str) else address.as_uri()
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.do(f"{domain}.enable")
        self.set_width(width)
        self.do("Page.addScriptToEvaluateOnNewDocument", source=prelude)
        browser.events.clear()
        self.do("Page.navigate", url=self.address)
        browser.wait_for("Page.loadEventFired")
        time.sleep(0.2)  # what a page requests after it has loaded

    @property
    def requests(self) -> list[str]:
        """Addresses requested until now, except the page itself."""
        asked = [event["params"]["request"]["url"] for event in self._events("Network.requestWillBeSent")]
        return [url for url in asked if url != self.address]

    @property
    def complaints(self) -> list[str]:
        """Uncaught errors of scripts, and entries of the browser's log and console until now."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(event["params"]) for event in self._events(*kinds)]

    def _events(self, *methods: str) -> list[dict[str, Any]]:
        self.value("0")  # events come in before the answer does
        own = [event for event in self._browser.events if event.get("sessionId") == self._session]
        return [event for event in own if event["method"] in methods]

    def set_width(self, width: int) -> None:
        """Width of the window, pixels; below 600 it is that of a phone."""
        metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
        self.do("Emulation.setDeviceMetricsOverride", **metrics)

    def do(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **params)

    def value(self, expression: str) -> Any:
        """Value of a JavaScript expression in the page, or what its promise comes to."""
        answer = self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_until(self, expression: str, seconds: float = 30.0) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression}: not true after {seconds:g} s"
            time.sleep(0.05)


def find_browser() -> str:
    """The first Chromium there is; the test is skipped where there is none."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip(f"no browser found ({', '.join(NAMES)}): make install-chromium installs Debian's")
    return executable
