"""One request for (the rest of) a file over https: what came back, and whether trying again may help."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from calosim_tf import __version__
from calosim_tf.errors import CalosimError

BLOCK_BYTES = 2**18
LOCALHOST = frozenset({"127.0.0.1", "localhost", "::1"})

# Answers that may change in a moment; all other refusals are final.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class Interrupted(Exception):
    """The transfer broke off; trying again may help.

    Attributes
    ----------
    wait_s : float
        What the server asked to wait.
    """

    def __init__(self, message: str, wait_s: float = 0.0):
        super().__init__(message)
        self.wait_s = wait_s


class StartAgain(Interrupted):
    """What was received before is not the beginning of what the server has now."""


@dataclass
class Download:
    """The answer to a request.

    Attributes
    ----------
    start : int
        Position in the file of the first byte that comes; 0 when the server sends the whole file after all.
    total : int or None
        Size of the whole file, if the server says.
    validator : str or None
        Strong ETag, else date of change: names this version of the file when asking for the rest of it.
    """

    start: int
    total: int | None
    validator: str | None
    _response: http.client.HTTPResponse | None = None

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._response is not None:
            self._response.close()

    def blocks(self) -> Iterator[bytes]:
        """The bytes, as they come; :class:`Interrupted` when the connection stalls or is reset."""
        while self._response is not None:
            try:
                block = self._response.read1(BLOCK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise Interrupted(_network_reason(error)) from error
            if not block:
                return
            yield block


def open_download(
    url: str, start: int, validator: str | None, *, timeout_s: float, allow_http_localhost: bool = False
) -> Download:
    """Request a file from byte ``start`` on.

    Parameters
    ----------
    url : str
    start : int
        Bytes received already.
    validator : str or None
        Of the version that these bytes belong to; the server sends the whole file if it has another by now.
    timeout_s : float
        Longest silence of the server.
    allow_http_localhost : bool
        Also accept http, but only from this machine.

    Raises
    ------
    Interrupted
        Trying again may help.
    CalosimError
        It will not: no such file, no https, a web page instead of data.
    """
    _require_https(url, allow_http_localhost)
    headers = {"User-Agent": f"calosim_tf/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    handlers: list[urllib.request.BaseHandler] = [_SafeRedirects(allow_http_localhost)]
    if allow_http_localhost:
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, headers=headers)
        response = urllib.request.build_opener(*handlers).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            return _refused(url, error, start)
    except (OSError, http.client.HTTPException) as error:
        raise _no_connection(url, error) from error
    try:
        return _answered(url, response, start, validator)
    except BaseException:
        response.close()
        raise


def _answered(url: str, response: http.client.HTTPResponse, start: int, validator: str | None) -> Download:
    headers = response.headers
    if headers.get_content_type() == "text/html":
        raise CalosimError(f"{url}: the server sent a web page instead of the file; open the address in a browser")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise CalosimError(f"{url}: the server packed the file ({headers['Content-Encoding']}) without being asked to")
    new_validator = _validator(headers)
    length = headers.get("Content-Length", "")
    total = int(length) if length.isdigit() else None
    if response.status != _PARTIAL_CONTENT:
        return Download(0, total, new_validator, response)
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if not found or found[1] is None or int(found[1]) != start:
        raise StartAgain(f"the server sent another part ({headers.get('Content-Range')}) than from byte {start}")
    if validator and new_validator and validator != new_validator:
        raise StartAgain("the file changed on the server")
    return Download(start, None if found[3] == "*" else int(found[3]), new_validator or validator, response)


def _refused(url: str, error: urllib.error.HTTPError, start: int) -> Download:
    if error.code == _RANGE_NOT_SATISFIABLE:
        found = _CONTENT_RANGE.fullmatch(error.headers.get("Content-Range", ""))
        if found and found[3] == str(start):
            return Download(start, start, None)  # nothing is missing
        raise StartAgain(f"the server has no part from byte {start}")
    reason = f"HTTP {error.code} {error.reason}"
    if error.code in _PASSING:
        wait = error.headers.get("Retry-After", "")
        raise Interrupted(reason, float(wait) if wait.isdigit() else 0.0)
    raise CalosimError(f"{url}: the server refused ({reason}); look at its record page for the present address")


def _no_connection(url: str, error: Exception) -> Exception:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return CalosimError(f"{url}: the certificate of the server is not trusted ({reason.verify_message})")
    if isinstance(reason, socket.gaierror):
        return Interrupted(f"its server cannot be found ({reason.strerror}); is there a network?")
    return Interrupted(_network_reason(reason))


def _network_reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "the server went silent"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _validator(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("ETag")
    # a weak ETag may stay the same when bytes change, and If-Range must not use it (RFC 9110, 13.1.5)
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows the server to https addresses only."""

    def __init__(self, allow_http_localhost: bool):
        self._allow_http_localhost = allow_http_localhost

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        try:
            _require_https(newurl, self._allow_http_localhost, f"{req.full_url}: redirects to ")
        except CalosimError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_https(url: str, allow_http_localhost: bool, what: str = "") -> None:
    parts = urllib.parse.urlsplit(url)
    local = allow_http_localhost and parts.scheme == "http" and parts.hostname in LOCALHOST
    if parts.scheme != "https" and not local:
        raise CalosimError(f"{what}{url}: expected an https address; nothing was fetched from there")
