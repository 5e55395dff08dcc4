"""A local server that cuts, corrupts, stalls, lies and changes its file, driven by words."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import numpy as np
import pytest

from calosim_tf.data.known_files import KnownFile
from calosim_tf.data_prep.fetch import Patience, fetch
from calosim_tf.data_prep.sources import PublicFile


class Version(NamedTuple):
    """One state of the file on the server."""

    content: bytes
    etag: str


FIRST = Version(np.random.default_rng(1).bytes(300_000), '"first"')
SECOND = Version(np.random.default_rng(2).bytes(300_000), '"second"')
HALF = len(FIRST.content) // 2
QUICK = Patience(timeout_s=0.25, tries=3, first_wait_s=0.0, longest_wait_s=0.0)


def answer(request, status, body, headers, length=None):
    """Headers and body; ``length`` is what Content-Length says instead of the truth."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    request.wfile.write(body)


def begin_of(request):
    """First byte that the client requests."""
    return int((request.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))


def serve(request, version=FIRST, honour_if_range=True, etag_kept=True):
    """As a good server does; the two flags make it a careless one."""
    same = request.headers.get("If-Range") in (None, version.etag) or not honour_if_range
    begin, size = begin_of(request) if same else 0, len(version.content)
    if begin >= size:
        return answer(request, 416, b"", {"Content-Range": f"bytes */{size}"})
    headers = {"ETag": version.etag} if etag_kept else {}
    if begin:
        headers["Content-Range"] = f"bytes {begin}-{size - 1}/{size}"
    return answer(request, 206 if begin else 200, version.content[begin:], headers)


def whole(body=FIRST.content, length=None, **headers):
    """Ignores Range."""
    return lambda request: answer(request, 200, body, {"ETag": FIRST.etag} | headers, length)


def cut(etag=FIRST.etag):
    headers = {"ETag": etag} if etag else {}
    return lambda request: answer(request, 200, FIRST.content[:HALF], headers, len(FIRST.content))


def stall(request):
    cut()(request)
    request.wfile.flush()
    request.server.over.wait(5)


def wrong_part(request):
    """Sends another part than the requested one."""
    if begin_of(request):
        return answer(request, 206, FIRST.content[:10], {"Content-Range": "bytes 0-9/300000"})
    return cut()(request)


def cut_a_fifth(request):
    begin = begin_of(request)
    headers = {"ETag": FIRST.etag, "Content-Range": f"bytes {begin}-299999/300000"}
    answer(request, 206 if begin else 200, FIRST.content[begin : begin + 60_000], headers, 300_000 - begin)


def flipped(content):
    body = bytearray(content)
    body[123_456] ^= 1
    return bytes(body)


BEHAVIOURS: dict[str, Callable] = {
    "normal": serve,
    "second version": lambda request: serve(request, SECOND),
    "second version, If-Range ignored": lambda request: serve(request, SECOND, honour_if_range=False),
    "second version, no sign of it": lambda request: serve(request, SECOND, honour_if_range=False, etag_kept=False),
    "range ignored": whole(),
    "corrupt": whole(flipped(FIRST.content)),
    "other content": whole(SECOND.content),
    "length too small": whole(length=HALF),
    "length too large": whole(length=len(FIRST.content) + 5),
    "web page": whole(b"<html>", **{"Content-Type": "text/html"}),
    "packed": whole(b"x", **{"Content-Encoding": "gzip"}),
    "file name": whole(**{"Content-Disposition": 'attachment; filename="../../evil.hdf5"'}),
    "cut": cut(),
    "cut, no etag": cut(None),
    "cut, weak etag": cut('W/"first"'),
    "cut a fifth": cut_a_fifth,
    "stall": stall,
    "wrong part": wrong_part,
    "hang up": lambda request: request.connection.close(),
}


def behaviour(words):
    """One of BEHAVIOURS, ``redirect ADDRESS`` or ``status CODE [HEADER VALUE]``."""
    match words.split():
        case ["redirect", address]:
            return lambda request: answer(request, 302, b"", {"Location": address})
        case ["status", code, *header]:
            return lambda request: answer(request, int(code), b"", dict([header] if header else []))
    return BEHAVIOURS[words]


class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        script = self.server.script
        self.server.seen.append((self.headers.get("Range"), self.headers.get("If-Range")))
        behaviour(script.pop(0) if len(script) > 1 else script[0])(self)
        self.close_connection = True

    def log_message(self, *_arguments):
        """Quiet."""


@pytest.fixture
def server():
    """``server.script``: what to do at each request, the last one repeated forever; ``server.seen``: the requests."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    running.daemon_threads = True
    running.script, running.seen, running.over = ["normal"], [], threading.Event()
    running.url = f"http://127.0.0.1:{running.server_address[1]}/showers"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.over.set()
    running.shutdown()
    thread.join()
    running.server_close()


class Fetcher:
    """``get(*script, md5=, n_bytes=, content=, url=, ...)`` fetches into a separate folder; returns what fetch does.

    ``content=`` is the published one, whose MD5 is known unless ``md5=False``.  The attributes ``content`` and
    ``other`` are what the two versions on the server hold, ``said`` is what the user was told.
    """

    def __init__(self, server, folder):
        self._server, self.folder, self.said = server, folder, []
        self.content, self.other = FIRST.content, SECOND.content
        self.target, self.partial = folder / "showers.hdf5", folder / "showers.hdf5.partial"

    def __call__(self, *script, md5=True, n_bytes=None, content=FIRST.content, url=None, **options):
        self._server.script[:] = script or self._server.script
        self._server.seen.clear()
        known = KnownFile("showers.hdf5", "showers", hashlib.md5(content).hexdigest() if md5 else None, None, n_bytes)
        source = PublicFile("showers", url or self._server.url, known, "https://record", "doi:1", "CC0")
        options = {"patience": QUICK, "allow_http_localhost": True, "say": self.said.append} | options
        return fetch(source, self.folder, **options)

    def only_file(self):
        """Content of the finished file; nothing else may be left."""
        assert [path.name for path in self.folder.iterdir()] == ["showers.hdf5"]
        return self.target.read_bytes()


@pytest.fixture
def get(server, tmp_path):
    """See :class:`Fetcher`."""
    return Fetcher(server, tmp_path / "data")
