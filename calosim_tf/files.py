"""Files that appear whole or not at all, on disks that may be full, and tables that grow by a row (no TensorFlow)."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from calosim_tf.errors import RunFolderError, StorageError
from calosim_tf.fault_points import reach

PARTIAL = ".partial-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a failure of the file system into :class:`StorageError`, which names ``path``."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> StorageError:
    """The error for a file or folder that the file system refuses to write."""
    reason = (error.strerror or str(error)).lower()
    advice = "free space or raise the quota" if error.errno in _FULL else "make it writable"
    return StorageError(f"{path}: cannot be written ({reason}): {advice}, then give the command again")


def shown(name: str | Path) -> str:
    """A name for people and pictures: bytes that are no text in UTF-8 are escaped (``gro\\xdfer.hdf5``).

    Python keeps such bytes, and in the C locale every umlaut, in a form that neither files nor matplotlib take.
    """
    escaped = re.sub("[\ud800-\udc7f\udd00-\udfff]", lambda found: ascii(found[0])[1:-1], str(name))
    return escaped.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def require_text(path: Path) -> None:
    """Raise :class:`RunFolderError` for a folder with a name that TensorFlow cannot be given."""
    try:
        str(Path(path).absolute()).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RunFolderError(
            f"{shown(path)}: TensorFlow takes names of files as text, which this is not in the locale of this process: "
            "choose another name, or set LC_ALL=C.UTF-8"
        ) from error


def write_file(path: Path, content: str) -> None:
    """Write a small text file and force it onto the disk."""
    data = content.encode()
    reach("before", "write", path)
    with path.open("wb") as stream:
        stream.write(data[: len(data) // 2])
        stream.flush()
        reach("inside", "write", path)
        stream.write(data[len(data) // 2 :])
        stream.flush()
        os.fsync(stream.fileno())
    reach("after", "write", path)


def move(source: Path, target: Path) -> None:
    """Give a whole file or folder its final name; an existing file is replaced."""
    reach("before", "move", target)
    source.replace(target)
    reach("inside", "move", target)
    flush_to_disk(target.parent)
    reach("after", "move", target)


def remove_tree(path: Path) -> None:
    """Delete a folder; other processes see it whole or not at all."""
    reach("before", "remove", path)
    hidden = path.with_name(f"{PARTIAL}removed-{path.name}")
    shutil.rmtree(hidden, ignore_errors=True)
    path.rename(hidden)
    reach("inside", "remove", path)
    shutil.rmtree(hidden)
    reach("after", "remove", path)


def write_atomically(path: Path, text: str) -> None:
    """Replace a small text file: readers see the old content or the new one, also after a power cut.

    Raises
    ------
    StorageError
        The disk is full or the folder may not be written to; the old content is intact.
    """
    partial = path.with_name(f".{path.name}{PARTIAL}{os.getpid()}")
    with storage_errors(path):
        try:
            write_file(partial, text)
            move(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file as a whole; raises as :func:`write_atomically`."""
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Content of a JSON file; :class:`RunFolderError` names the file and ``what`` it should be."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror}), expected {what}") from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: is not JSON ({error}), expected {what}") from error
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: found a {type(content).__name__}, expected {what}")
    return content


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Empty folder to fill, which takes the place of ``out`` when the block ends without an error.

    Until then it lies next to ``out`` under a temporary name; what was at ``out`` is kept and then replaced as a whole.

    Raises
    ------
    RunFolderError
        The folder cannot be written.
    """
    out = Path(out).absolute()
    temporary = out.with_name(f".{out.name}.{uuid4().hex[:8]}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for path in temporary.rglob("*"):
            flush_to_disk(path)
        _swap(temporary, out)
    except OSError as error:
        raise RunFolderError(f"{out}: cannot be written ({error.strerror or error}): choose another --out") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(temporary: Path, out: Path) -> None:
    """Move ``temporary`` to ``out``; an earlier folder is kept aside until that is done and then removed."""
    if not out.exists():
        temporary.rename(out)
        return
    earlier = out.with_name(f"{temporary.name}.earlier")
    out.rename(earlier)
    try:
        temporary.rename(out)
    except OSError:
        earlier.rename(out)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def flush_to_disk(path: Path) -> None:
    """Force a file, or the entries of a folder, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(path: Path) -> int:
    """Space that is free for this user where ``path`` is, or will be made; a quota may allow less."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class IterationTable:
    """A CSV file with one row per iteration, in ascending order.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path):
        self.path = path

    def rows(self) -> list[dict[str, str]]:
        """All whole rows; a last row that a crash cut short is left out.

        Raises
        ------
        RunFolderError
            A row in between is not one of this table.
        """
        text = self._text()
        rows = list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))
        for number, row in enumerate(rows, start=2):
            iteration = row.get("iteration") or ""
            if None in row or None in row.values() or not (iteration.isascii() and iteration.isdecimal()):
                raise RunFolderError(
                    f"{self.path}: found a damaged line {number}, expected one row per iteration: "
                    "delete the lines from there on"
                )
        return rows

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; the first one also writes the header, one with new columns rewrites the table.

        Cells of columns that a row does not have stay empty.

        Raises
        ------
        StorageError
            The disk is full or the folder may not be written to.
        """
        with storage_errors(self.path):
            reach("before", "append", self.path)
            columns = self._columns()
            new = not columns
            if not new and not set(columns) >= set(row):
                columns = list(dict.fromkeys([*columns, *row]))
                self.replace(dict.fromkeys(columns, "") | known for known in self.rows())
            with self.path.open("a", newline="") as stream:
                writer = csv.DictWriter(stream, columns or list(row), restval="", lineterminator="\n")
                if new:
                    writer.writeheader()
                    stream.flush()
                    reach("inside", "append", self.path)
                writer.writerow(row)
            reach("after", "append", self.path)

    def replace(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rewrite the table; no rows, no file."""
        rows = list(rows)
        if not rows:
            self.path.unlink(missing_ok=True)
            return
        lines = [",".join(rows[0]), *(",".join(str(row[key]) for key in rows[0]) for row in rows)]
        write_atomically(self.path, "\n".join(lines) + "\n")

    def cut_after(self, iteration: int) -> None:
        """Drop rows beyond ``iteration``, and one cut short: a resumed run writes them again."""
        rows = self.rows()
        kept = [row for row in rows if int(row["iteration"]) <= iteration]
        if len(kept) < len(rows) or not self._text().endswith("\n"):
            self.replace(kept)

    def flush(self) -> None:
        """Force the rows onto the disk, so that they are there when a later checkpoint is."""
        if self.path.is_file():
            with storage_errors(self.path):
                flush_to_disk(self.path)

    def _columns(self) -> list[str]:
        """Names in the header; none where there is no whole one."""
        if not self.path.is_file():
            return []
        with self.path.open(newline="") as stream:
            return next(csv.reader([stream.readline()]), [])

    def _text(self) -> str:
        try:
            return self.path.read_text() if self.path.is_file() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise RunFolderError(f"{self.path}: cannot be read ({error}), expected a table of iterations") from error
