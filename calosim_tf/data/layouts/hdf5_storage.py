"""Where the numbers of an HDF5 dataset are: in its file, or in others that it names (no TensorFlow).

Virtual datasets, external storage and external links are parts of HDF5: one dataset, several files.  What HDF5 does not
find of them reads as zeros, without an error, so whoever reads a dataset asks here first.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import h5py

from calosim_tf.data.hdf5 import GET_AGAIN, HDF5_FAILURES, open_hdf5
from calosim_tf.errors import DataError

# Sources of sources of sources: more is a circle, or nothing that a person made
MAX_DEPTH = 8
SAME_FILE = "."
REPACK = "write it into one file with 'h5repack' where all sources are at hand"


def require_link(file: h5py.File, name: str, path: Path) -> None:
    """Raise :class:`DataError` for a name that is a link to nothing; other names, and no such name, pass."""
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.ExternalLink | h5py.SoftLink) or _leads_somewhere(file, name):
        return
    if isinstance(link, h5py.ExternalLink):
        raise DataError(
            f"{path}: {name} is a link to {link.path.strip('/')} in {link.filename}, which is missing or cannot be "
            "opened; put it where the link points, or give that file itself"
        )
    raise DataError(f"{path}: {name} is a link to {link.path}, which is not in the file; {GET_AGAIN}")


def _leads_somewhere(file: h5py.File, name: str) -> bool:
    try:
        return file[name] is not None
    except HDF5_FAILURES:
        return False


def storage_files(dataset: h5py.Dataset, path: Path, depth: int = 0) -> list[Path]:
    """Files that hold the numbers of a dataset, its own one first; all that it needs of them is there.

    Parameters
    ----------
    dataset : h5py.Dataset
    path : Path
        The file that was asked for, for messages; the dataset may be in another one, by an external link.
    depth : int
        Virtual datasets on the way here.

    Raises
    ------
    DataError
        A source is missing, too short, never written or packed with a filter that is not installed.
    """
    name = dataset.name.strip("/")
    if depth > MAX_DEPTH:
        raise DataError(f"{path}: {name} is virtual over {depth} levels, expected the data themselves; {REPACK}")
    own = Path(dataset.file.filename)
    if dataset.is_virtual:
        return list(dict.fromkeys([own, *_virtual_sources(dataset, path, own, depth)]))
    if dataset.external:
        return [own, *_external_files(dataset, path)]
    _require_unpackable(dataset, path)
    _require_written(dataset, path)
    return [own]


def _virtual_sources(dataset: h5py.Dataset, path: Path, own: Path, depth: int) -> Iterator[Path]:
    name, mapped = dataset.name.strip("/"), 0
    for source in dataset.virtual_sources():
        if "%b" in source.file_name + source.dset_name:
            raise DataError(
                f"{path}: {name} has sources without end ({source.file_name}), expected named ones; {REPACK}"
            )
        mapped += source.vspace.get_select_npoints()
        if source.file_name == SAME_FILE:
            yield from _one_source(dataset.file, source, dataset, path, depth)
            continue
        found = _find(source.file_name, own, "HDF5_VDS_PREFIX")
        if found is None:
            raise DataError(
                f"{path}: {name} is virtual and its source {source.file_name} is missing; put it beside the file, "
                f"or {REPACK}"
            )
        with open_hdf5(found) as file:
            yield from _one_source(file, source, dataset, path, depth)
    if mapped < dataset.size:
        raise DataError(
            f"{path}: {name} is virtual and has sources for {mapped} of its {dataset.size} numbers, the others would "
            f"read as zeros; {GET_AGAIN}"
        )


def _one_source(file: h5py.File, source, dataset: h5py.Dataset, path: Path, depth: int) -> list[Path]:
    name, shape = dataset.name.strip("/"), dataset.shape
    where = f"{path}: {name} is virtual and its source {source.dset_name.strip('/')} in {file.filename}"
    inner = file.get(source.dset_name)
    if not isinstance(inner, h5py.Dataset):
        raise DataError(f"{where} is missing; {GET_AGAIN}")
    space = source.src_space
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        # of a source that has grown since, HDF5 reads the first rows
        needed = source.vspace.get_select_npoints()
        fits = inner.size == needed or (inner.size > needed and inner.shape[1:] == shape[1:])
    else:
        ends = space.get_select_bounds()[1]
        fits = len(ends) == inner.ndim and all(end < size for end, size in zip(ends, inner.shape, strict=True))
    if not fits:
        raise DataError(f"{where} has shape {inner.shape}, which is not what it was made from; {GET_AGAIN}")
    return storage_files(inner, path, depth + 1)


def _external_files(dataset: h5py.Dataset, path: Path) -> Iterator[Path]:
    """Raw files; one that is too short reads as zeros."""
    name, left = dataset.name.strip("/"), dataset.nbytes
    prefix = os.environ.get("HDF5_EXTFILE_PREFIX", "").replace("${ORIGIN}", str(Path(dataset.file.filename).parent))
    for file_name, offset, size in dataset.external:
        file = Path(prefix, file_name)
        needed = offset + min(size, left)
        length = file.stat().st_size if file.is_file() else None
        if length is None or length < needed:
            found = "is missing" if length is None else f"has {length} bytes, expected at least {needed}"
            raise DataError(
                f"{path}: {name} is kept in the file {file_name}, which {found}; start in the folder where that file "
                f"is, or {REPACK}"
            )
        left -= min(size, left)
        yield file


def _find(file_name: str, own: Path, prefix_variable: str) -> Path | None:
    """A source file where HDF5 looks for it: as named, below the prefixes, beside the file, beside what it links to."""
    prefixes = os.environ.get(prefix_variable, "").split(os.pathsep)
    folders = [*filter(None, prefixes), own.parent, Path(), own.resolve().parent]
    absolute = Path(file_name).is_absolute()
    names = [Path(file_name)] if absolute else []
    names += [Path(folder, Path(file_name).name if absolute else file_name) for folder in folders]
    return next((name for name in names if name.is_file()), None)


def _require_unpackable(dataset: h5py.Dataset, path: Path) -> None:
    creation = dataset.id.get_create_plist()
    for code, *_settings in (creation.get_filter(index) for index in range(creation.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            raise DataError(
                f"{path}: {dataset.name.strip('/')} is packed with HDF5 filter {code}, which is not installed; "
                "expected gzip: rewrite the file with 'h5repack -f GZIP=1'"
            )


def _require_written(dataset: h5py.Dataset, path: Path) -> None:
    """Room that was reserved and never filled reads as zeros: the job that made the file was stopped."""
    name = dataset.name.strip("/")
    if dataset.size == 0:
        return
    if dataset.chunks is None:
        if dataset.id.get_storage_size() == 0:
            raise DataError(f"{path}: {name} was never written; {GET_AGAIN}")
        return
    expected = math.prod(math.ceil(n / chunk) for n, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    written = dataset.id.get_num_chunks()
    if written < expected:
        raise DataError(f"{path}: only {written} of {expected} chunks of {name} were written; {GET_AGAIN}")
