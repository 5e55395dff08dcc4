"""HDF5 files that may be anything, on disks that may be full: every failure becomes one line (no TensorFlow)."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Container, Mapping
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.fault_points import reach

# What h5py raises on damaged files: the HDF5 library's own errors, and follow-ups of broken metadata.
HDF5_FAILURES = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, OverflowError)

# Per open dataset: whole chunks are read in order, so more (8 MiB in HDF5 2.0) helps nothing and adds up over files
CHUNK_CACHE_BYTES = 2**20

GET_AGAIN = "copy or fetch the file again"

NPZ_TO_HDF5 = "python -c \"import h5py, numpy; h5py.File('FILE.hdf5', 'w').update(numpy.load('FILE.npz'))\""

# First bytes of what is often found in place of the data.
_HTML = re.compile(rb"\s*<(!doctype|html|head|\?xml)", re.IGNORECASE)
_LFS = b"version https://git-lfs"
_OTHER_KINDS = (
    (b"\x1f\x8b", "gzip file", "unpack it first"),
    (b"PK\x03\x04", "zip or npz file", f"unpack it, or write its arrays to HDF5: {NPZ_TO_HDF5}"),
    (b"root", "ROOT file", "convert it with `calosim data convert FILE.root --to DETECTOR --out FILE.hdf5`"),
    (b"\x93NUMPY", "NumPy file", "convert it first"),
)


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    DataError
        Says what is at ``path`` instead: nothing, a folder, an empty or cut file, a Git LFS pointer, a web page, ...
    """
    try:
        if not path.exists():
            raise DataError(f"{path}: no such file; check the path")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise DataError(f"{path}: is {kind}, expected an HDF5 file")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
        if not h5py.is_hdf5(path):
            raise DataError(f"{path}: {_what_instead_of_hdf5(head, size)}")
        # best effort: file systems without locks (many cluster disks) must not stop a reader
        return h5py.File(path, "r", locking="best-effort", rdcc_nbytes=CHUNK_CACHE_BYTES)
    except HDF5_FAILURES as error:
        raise DataError(f"{path}: {_why_not_opened(error)}") from error


def key_in(file: Container[str], name: str, keys: Mapping[str, str]) -> str:
    """Name in a file of what the layout calls ``name``.

    Parameters
    ----------
    file : container of str
        Names in the file.
    name : str
    keys : mapping of str to str
        Other names; one that the file does not have counts only if it has the layout's name neither, so that files of
        both kinds can be compared.
    """
    other = keys.get(name, name)
    return name if other not in file and name in file else other


def dataset_paths(file: h5py.File) -> list[str]:
    """Paths of all datasets, sorted."""
    paths = []
    file.visititems(lambda path, item: paths.append(path) if isinstance(item, h5py.Dataset) else None)
    return sorted(paths)


class PatientFile(io.RawIOBase):
    """File for h5py to write through, on which no write ever fails.

    HDF5 ends the process with a crash when it cannot flush what it holds (disk full, or an interrupt that arrives in
    here).  So the first error is kept in ``error`` and later writes are dropped; the writer checks ``error`` and stops
    cleanly.

    Parameters
    ----------
    path : Path
        Created or emptied.
    """

    def __init__(self, path: Path):
        self._path = path
        self._file = path.open("w+b", buffering=0)
        self.error: BaseException | None = None

    def close(self) -> None:
        self._file.close()
        super().close()

    def write(self, data: memoryview) -> int:
        self._keep_error(lambda: self._write_all(memoryview(data)))
        return len(data)

    def truncate(self, size: int) -> int:
        self._keep_error(lambda: self._file.truncate(size))
        return size

    def readinto(self, buffer: memoryview) -> int:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def _write_all(self, data: memoryview) -> None:
        reach("before", "write", self._path)
        while data:
            data = data[self._file.write(data) :]
            reach("inside", "write", self._path)

    def _keep_error(self, action: Callable[[], object]) -> None:
        if self.error is None:
            try:
                action()
            except BaseException as error:  # an interrupt too: it is raised again where error is checked
                self.error = error


def _what_instead_of_hdf5(head: bytes, size: int) -> str:
    if size == 0:
        return f"is empty (0 bytes), expected an HDF5 file; {GET_AGAIN}"
    if head.startswith(_LFS):
        return f"is a Git LFS pointer ({size} bytes) instead of the data; run 'git lfs pull' or fetch the file itself"
    if _HTML.match(head):
        return "is a web page (HTML) instead of HDF5; the download went to a page: fetch the file's own address"
    for magic, kind, advice in _OTHER_KINDS:
        if head.startswith(magic):
            return f"is a {kind}, expected HDF5; {advice}"
    return f"is not HDF5 ({size} bytes, begins with {head[:8]!r}); {GET_AGAIN}"


def _why_not_opened(error: BaseException) -> str:
    if isinstance(error, PermissionError):
        return "may not be read (permission denied); change its permissions"
    cut = re.search(r"truncated file: eof = (\d+).*stored_eof = (\d+)", str(error))
    if cut:
        return f"is cut off: {cut[1]} bytes, expected {cut[2]}; {GET_AGAIN}"
    if "unable to lock file" in str(error):
        return "is being written by another program; wait until it is finished"
    return f"cannot be opened as HDF5 ({short_reason(error)}); {GET_AGAIN}"


def short_reason(error: BaseException) -> str:
    """The reason inside an HDF5 message: ``Can't synchronously read data (inflate() failed)`` -> the inner part."""
    text = str(error).strip("'\"") or type(error).__name__
    inner = re.search(r"\((.*)\)\s*$", text)
    return inner[1] if inner else text


def plain_attribute(value: object) -> object:
    """Attribute as h5py gives it -> Python string, number or array."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.item() if isinstance(value, np.generic) else value
