"""Download of a public file: resumed, checked, and given its final name only when complete and correct.

What was received so far is in ``NAME.partial``; ``NAME.partial.json`` says which version of the file it belongs to.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from calosim_tf.data.contents import RunningDigest
from calosim_tf.data.known_files import KnownFile
from calosim_tf.data_prep.partial import Partial, locked_partial
from calosim_tf.data_prep.sources import PublicFile
from calosim_tf.data_prep.transfer import Download, Interrupted, StartAgain, open_download
from calosim_tf.errors import CalosimError, DataError
from calosim_tf.messages import note
from calosim_tf.progress import progress

_MB = 10**6


@dataclass(frozen=True)
class Patience:
    """How long to keep trying.

    Attributes
    ----------
    timeout_s : float
        Longest silence of the server.
    tries : int
        Failures in a row without ``enough_bytes`` in between.
    first_wait_s, longest_wait_s : float
        Pause after the first failure, doubled each time.
    enough_bytes : int
        A try that brought as much counts as progress.
    """

    timeout_s: float = 30.0
    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    enough_bytes: int = 10 * _MB


@dataclass(frozen=True)
class Fetched:
    """A whole file on disk.

    Attributes
    ----------
    path : Path
    n_bytes : int
    sha256 : str
    verified : bool
        It has the published checksum; False when none is known.
    downloaded : bool
        False when it was there already.
    """

    path: Path
    n_bytes: int
    sha256: str
    verified: bool
    downloaded: bool


def _to_stderr(message: str) -> None:
    note(f"{message}")


def fetch(
    source: PublicFile,
    folder: Path,
    *,
    patience: Patience | None = None,
    allow_http_localhost: bool = False,
    say: Callable[[str], None] = _to_stderr,
) -> Fetched:
    """Make sure that a public file is in ``folder``.

    Parameters
    ----------
    source : PublicFile
    folder : Path
        Made if it is not there.
    patience : Patience, optional
    allow_http_localhost : bool
        For tests: also accept http, but only from this machine.
    say : callable
        Told about retries, one line each.

    Raises
    ------
    DataError
        A file of that name is there and is not the published one, or the disk is full or may not be written to.
    CalosimError
        The file could not be fetched, or what the server has is not the published file.
    """
    target = folder / source.content.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists():
            return _present(target, source.content)
        with locked_partial(target, say) as partial:
            if target.exists():  # another process was faster
                partial.discard()
                return _present(target, source.content)
            fetching = _Fetching(source, partial, patience or Patience(), allow_http_localhost, say)
            try:
                return fetching.run(target)
            except CalosimError:
                if partial.size == 0:
                    partial.discard()
                raise
            except KeyboardInterrupt:
                say(f"{partial.size} bytes are kept in {partial.path}: the same command goes on from there")
                raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(
            f"{target}: cannot be written ({reason}); free space, or choose another folder with --out"
        ) from error


def _present(target: Path, content: KnownFile) -> Fetched:
    digests = _digests(target, content)
    wrong = _mismatch(digests, content)
    if wrong:
        raise DataError(f"{target}: is there already but is not the published file ({wrong}); move it away first")
    return Fetched(target, target.stat().st_size, digests["sha256"], content.pinned, downloaded=False)


def _digests(path: Path, content: KnownFile) -> dict[str, str]:
    with RunningDigest([path], sorted({"sha256", *content.digest_names})) as digest:
        return digest.finish()


def _mismatch(digests: dict[str, str], content: KnownFile) -> str | None:
    for name in content.digest_names:
        expected = getattr(content, name)
        if digests[name] != expected:
            return f"{name} {digests[name]}, expected {expected}"
    return None


class _Fetching:
    """The download of one file into its locked partial file."""

    def __init__(
        self,
        source: PublicFile,
        partial: Partial,
        patience: Patience,
        allow_http_localhost: bool,
        say: Callable[[str], None],
    ):
        self._source = source
        self._content = source.content
        self._partial = partial
        self._patience = patience
        self._allow_http_localhost = allow_http_localhost
        self._say = say

    def run(self, target: Path) -> Fetched:
        """Receive, check, publish; a file with a wrong checksum is fetched once more from the start."""
        wrong: str | None = None
        for _ in range(2):
            if wrong:
                self._say(f"{target.name}: wrong checksum ({wrong}), fetching it again from the start")
                self._partial.begin(self._source.url, None)
            self._receive()
            digests = _digests(self._partial.path, self._content)
            wrong = _mismatch(digests, self._content)
            if not wrong:
                n_bytes = self._partial.size
                self._partial.publish(target)
                return Fetched(target, n_bytes, digests["sha256"], self._content.pinned, downloaded=True)
        self._partial.discard()
        raise CalosimError(
            f"{self._source.url}: received twice with a wrong checksum ({wrong}), so nothing was kept; "
            f"it was changed on the server or on the way: see {self._source.record}"
        )

    def _receive(self) -> None:
        """Try until all bytes are received."""
        failures = 0
        while True:
            before = self._partial.size
            try:
                return self._receive_once()
            except Interrupted as problem:
                if isinstance(problem, StartAgain):
                    self._partial.begin(self._source.url, None)
                gained = self._partial.size - before
                failures = 1 if gained >= self._patience.enough_bytes else failures + 1
                self._pause(problem, failures)

    def _pause(self, problem: Interrupted, failures: int) -> None:
        have = self._partial.size
        if failures >= self._patience.tries:
            advice = "try again later"
            if have:
                advice = f"{have} bytes are kept in {self._partial.path}: run the command again to go on from there"
            raise CalosimError(
                f"{self._source.url}: {problem} (tried {failures} times in a row); {advice}"
            ) from problem
        wait = max(problem.wait_s, self._patience.first_wait_s * 2 ** (failures - 1))
        wait = min(wait, self._patience.longest_wait_s)
        self._say(f"{self._content.file_name}: {problem}; {have} bytes so far, trying again in {wait:g} s")
        time.sleep(wait)

    def _receive_once(self) -> None:
        url, partial = self._source.url, self._partial
        validator = partial.validator(url)
        if not validator and not self._content.pinned:
            # nothing would reveal that the rest came from another version
            partial.begin(url, None)
        start = partial.size
        if self._content.n_bytes is not None and start >= self._content.n_bytes:
            return  # complete, or too long: the checksum decides
        download = open_download(
            url,
            start,
            validator,
            timeout_s=self._patience.timeout_s,
            allow_http_localhost=self._allow_http_localhost,
        )
        with download:
            total = self._checked_total(download)
            if download.start == 0:
                partial.begin(url, download.validator)
            self._check_free_space(total)
            label = f"{self._content.file_name} ({total / _MB:.0f} MB)" if total else self._content.file_name
            n_megabytes = (total - download.start) // _MB if total else 0
            for _ in progress(self._save(download), n_megabytes, label):
                pass
        if total is not None and partial.size < total:
            raise Interrupted(f"the connection was cut after {partial.size} of {total} bytes")

    def _save(self, download: Download) -> Iterator[None]:
        """Write the bytes as they come; yields once per megabyte."""
        received = 0
        for block in download.blocks():
            self._partial.append(block)
            for _ in range((received + len(block)) // _MB - received // _MB):
                yield
            received += len(block)

    def _checked_total(self, download: Download) -> int | None:
        expected = self._content.n_bytes
        if expected is not None and download.total is not None and download.total != expected:
            raise CalosimError(
                f"{self._source.url}: the server has {download.total} bytes, the published file {expected}; "
                f"it was replaced: see {self._source.record}"
            )
        return expected if expected is not None else download.total

    def _check_free_space(self, total: int | None) -> None:
        free = shutil.disk_usage(self._partial.path.parent).free
        missing = (total or 0) - self._partial.size
        if missing > free:
            raise DataError(
                f"{self._partial.path.parent}: {missing / _MB:.0f} MB are still to come, {free / _MB:.0f} MB are free; "
                "free space, or choose another folder with --out"
            )
