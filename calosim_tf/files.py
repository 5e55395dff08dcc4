"""Small files that are replaced as a whole, and tables that grow by a row (no TensorFlow)."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from calosim_tf.errors import RunFolderError


def write_atomically(path: Path, text: str) -> None:
    """Replace a small text file: readers see the old content or the new one, also after a power cut."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    partial.write_text(text)
    flush_to_disk(partial)
    partial.replace(path)
    flush_to_disk(path.parent)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file as a whole."""
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Content of a JSON file; :class:`RunFolderError` names the file and ``what`` it should be."""
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror}), expected {what}") from error
    except ValueError as error:
        raise RunFolderError(f"{path}: is not JSON ({error}), expected {what}") from error
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: found a {type(content).__name__}, expected {what}")
    return content


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Empty folder to fill, which takes the place of ``out`` when the block ends without an error.

    It stands beside ``out`` under a temporary name until then; what was at ``out`` is kept until then and replaced as a
    whole.

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
    """Move ``temporary`` to ``out``; an earlier folder is set aside until that is done, and removed then."""
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
        """All whole rows; a last row that a crash cut short is left out."""
        if not self.path.is_file():
            return []
        text = self.path.read_text()
        whole = text[: text.rfind("\n") + 1]
        return list(csv.DictReader(whole.splitlines()))

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; the first one also writes the header."""
        new = not self.path.is_file()
        with self.path.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, list(row), lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)

    def replace(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the table anew; no rows, no file."""
        rows = list(rows)
        if not rows:
            self.path.unlink(missing_ok=True)
            return
        lines = [",".join(rows[0]), *(",".join(str(row[key]) for key in rows[0]) for row in rows)]
        write_atomically(self.path, "\n".join(lines) + "\n")

    def cut_after(self, iteration: int) -> None:
        """Drop rows beyond ``iteration``: a resumed run writes them again."""
        rows = self.rows()
        kept = [row for row in rows if int(row["iteration"]) <= iteration]
        if len(kept) < len(rows) or (rows and not self.path.read_text().endswith("\n")):
            self.replace(kept)
