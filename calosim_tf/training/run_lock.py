"""One process at a time may write to a run folder (no TensorFlow).

``lock.json`` names the process and the host, and its time stamp is renewed while the process lives.  A lock of a dead
process is recognised: on the same host by the process table, of another host by a time stamp that no longer changes.
The clocks of the hosts are not compared.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from calosim_tf.errors import RunFolderError
from calosim_tf.files import PARTIAL
from calosim_tf.messages import note

LOCK = "lock.json"
# Network file systems show a new time stamp after up to a minute: the silence is well above that (our choice)
BEAT_S = 15.0
SILENCE_S = 120.0
_POLL_S = 0.5
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class RunLock:
    """Context that holds the lock of a run folder, which is made if it is not there.

    Parameters
    ----------
    folder : Path
    beat_s : float
        Seconds between renewals.
    silence_s : float
        A process of another host that did not renew its lock for so long is gone.

    Raises
    ------
    RunFolderError
        Another process holds the lock, or the folder cannot be written.
    """

    def __init__(self, folder: Path, beat_s: float = BEAT_S, silence_s: float = SILENCE_S):
        self.path = Path(folder) / LOCK
        self.beat_s = beat_s
        self.silence_s = silence_s
        self._token = uuid4().hex
        self._ended = threading.Event()

    def __enter__(self) -> RunLock:
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            while not self._taken():
                self._remove_stale()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RunFolderError(f"{folder}: cannot be written ({reason}): choose another --out") from error
        threading.Thread(target=self._beat, name="run lock", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            if self._content().get("token") == self._token:
                self.path.unlink()
            if not any(self.path.parent.iterdir()):
                self.path.parent.rmdir()  # refused before anything was written

    def require_held(self) -> None:
        """Make sure that no other process has taken the run over, for example while this one was suspended.

        Raises
        ------
        RunFolderError
        """
        content = self._content()
        if content.get("token") != self._token:
            raise RunFolderError(
                f"{self.path.parent}: was taken over by {_words(content)} while this process stood still: "
                "nothing more is written here"
            )

    def _taken(self) -> bool:
        partial = self.path.with_name(f".{LOCK}{PARTIAL}{os.getpid()}")
        try:
            partial.write_text(json.dumps({**_identity(), "token": self._token}) + "\n")
            _link(partial, self.path)
        except FileExistsError:
            return False
        finally:
            partial.unlink(missing_ok=True)
        return True

    def _remove_stale(self) -> None:
        """Take a dead process's lock away; :class:`RunFolderError` if it lives."""
        content = self._content()
        if not self.path.exists():
            return  # released meanwhile
        if _same_machine(content):
            alive = _started(content.get("pid")) == content.get("started", "unknown")
        else:
            alive = self._shows_life(content)
        if alive:
            raise RunFolderError(
                f"{self.path.parent}: is being written by {_words(content)}, expected a run that is not under way: "
                "wait for it, stop it, or choose another --out"
            )
        note(f"{self.path.parent}: {_words(content)} is gone, its lock is removed")
        aside = self.path.with_name(f".{LOCK}{PARTIAL}{self._token}")
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(aside)
            if _read(aside) != content:  # another process was faster and its fresh lock was moved: give it back
                with contextlib.suppress(FileExistsError):
                    _link(aside, self.path)
            aside.unlink()

    def _shows_life(self, content: dict[str, Any]) -> bool:
        """Whether the time stamp of another host's lock moves, or the lock disappears by itself."""
        note(f"{self.path.parent}: locked by {_words(content)}: waiting up to {self.silence_s:g} s for a sign of life")
        first, deadline = _stamp(self.path), time.monotonic() + self.silence_s
        while time.monotonic() < deadline:
            time.sleep(min(_POLL_S, self.silence_s / 10))
            if _stamp(self.path) != first:
                return self.path.exists()
        return False

    def _beat(self) -> None:
        while not self._ended.wait(self.beat_s):
            with contextlib.suppress(OSError):
                if self._content().get("token") == self._token:
                    os.utime(self.path)

    def _content(self) -> dict[str, Any]:
        return _read(self.path)


def is_held(path: Path) -> bool:
    """Whether a lock file is of a process that lives; one of another host counts while its time stamp is fresh."""
    content = _read(path)
    if not content:
        return False
    if _same_machine(content):
        return _started(content.get("pid")) == content.get("started", "unknown")
    return (stamp := _stamp(path)) is not None and time.time_ns() - stamp < SILENCE_S * 1e9


def _link(source: Path, target: Path) -> None:
    """Give a file a second name unless that is taken: the name and the content appear together."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # a file system without links; a process that is killed in here leaves an empty lock, whose time stands still
        with target.open("x") as stream:
            stream.write(source.read_text())


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _stamp(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _identity() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "started": _started(os.getpid()), "machine": _machine()}


def _same_machine(content: dict[str, Any]) -> bool:
    return content.get("host") == socket.gethostname() and content.get("machine") == _machine()


def _machine() -> str:
    """This boot of this machine and the process table that numbers are counted in: containers have their own."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _started(pid: Any) -> int | None:
    """When a process was started, in ticks since the machine was; None if there is none of that number."""
    try:
        text = Path(f"/proc/{int(pid)}/stat").read_text()
    except (OSError, TypeError, ValueError):
        return None
    # the name of the program, in parentheses, may hold spaces
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _words(content: dict[str, Any]) -> str:
    return f"process {content.get('pid', 'unknown')} on {content.get('host', 'an unknown host')}"
