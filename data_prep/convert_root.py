"""A flat TTree (or RNTuple) of a ROOT file to the HDF5 layout of a detector, with bounded memory.

Needs the extra ``root`` (uproot).

A branch for each dataset of the layout, under its name or one given by the user: a number per event, an array of fixed
size, or a vector that has the same length in all events.  Units and order of the cells are those of the layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.contents import check_contents
from calosim_tf.data.hdf5 import PatientFile
from calosim_tf.data.readers import LAYOUTS, open_shower_file
from calosim_tf.data_prep.whole_file import require_free, write_whole
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import VoxelDetector

# Of all branches together
BLOCK_SIZE = "32 MB"
TREES = ("TTree", "ROOT::RNTuple")
# Branches and trees that a message lists at most
MOST_NAMED = 12


def root_to_hdf5(
    source: Path,
    detector: VoxelDetector,
    out: Path,
    *,
    keys: Sequence[tuple[str, str]] = (),
    tree: str = "",
    overwrite: bool = False,
) -> tuple[int, tuple[str, ...]]:
    """Write the branches of a TTree that belong to the layout of a detector to HDF5 (gzip), and check the showers.

    Parameters
    ----------
    source : Path
    detector : VoxelDetector
    out : Path
    keys : sequence of (str, str)
        Dataset of the layout and the branch that holds it, where the names differ.
    tree : str
        Path of the tree in the file; not needed where there is one.
    overwrite : bool

    Returns
    -------
    events : int
    notes : tuple of str
        Branches that were left out.

    Raises
    ------
    ConfigError
        uproot is not installed, there is no such tree or dataset, or ``out`` exists.
    DataError
        The file cannot be read, a branch is missing or not flat, or the showers are not what the layout says.
    """
    require_free(out, overwrite)
    if not source.is_file():
        raise DataError(f"{source}: no such file; check the path")
    uproot = _uproot()
    names = (*LAYOUTS[detector.file_layout].names, *detector.attributes)
    for name, _ in keys:
        if name not in names:
            raise ConfigError(f"--keys: found {name!r}, expected datasets of the layout: {', '.join(names)}")
    try:
        file = uproot.open(source)
    except Exception as error:  # uproot raises whatever its parsers meet in a damaged file
        raise DataError(f"{source}: cannot be opened as ROOT ({_reason(error)}); copy or fetch it again") from error
    with file:
        found = _tree(source, file, tree)
        branches = _branches(source, found, names, dict(keys))
        others = sorted(set(found.keys(recursive=False)) - set(branches.values()))
        events = found.num_entries
        write_whole(out, lambda partial: _write(partial, source, _blocks(source, found, branches), detector))
    notes = (f"left out, as not part of the layout: {', '.join(others[:MOST_NAMED])}",) if others else ()
    return events, notes


def _uproot():
    try:
        import uproot
    except ImportError as error:
        raise ConfigError(
            "ROOT files are read with uproot, which is not installed: pip install 'calosim-tf[root]'"
        ) from error
    return uproot


def _tree(source: Path, file, wanted: str):
    try:
        trees = sorted({name.rpartition(";")[0] for name, kind in file.classnames().items() if kind in TREES})
        if not wanted and len(trees) == 1:
            wanted = trees[0]
        if wanted not in trees:
            found = ", ".join(trees[:MOST_NAMED]) or "none"
            raise ConfigError(f"{source}: found the trees {found}, expected one of them: --tree NAME")
        return file[wanted]
    except ConfigError:
        raise
    except Exception as error:
        raise DataError(f"{source}: its trees cannot be read ({_reason(error)}); copy or fetch it again") from error


def _branches(source: Path, tree, names: Sequence[str], keys: dict[str, str]) -> dict[str, str]:
    """Dataset of the layout -> branch, of those that are there."""
    present = list(tree.keys(recursive=False))
    for name, branch in keys.items():
        if branch not in present:
            raise DataError(f"{source}: no branch {branch!r} for {name}, found {', '.join(present[:MOST_NAMED])}")
    branches = {name: keys.get(name, name) for name in names if keys.get(name, name) in present}
    if not branches:
        raise DataError(
            f"{source}: none of the branches {', '.join(present[:MOST_NAMED]) or '(none)'} is called as in the layout; "
            f"expected {', '.join(names)}: name them with --keys {names[0]}=BRANCH ..."
        )
    return branches


def _blocks(source: Path, tree, branches: dict[str, str]) -> Iterator[dict[str, np.ndarray]]:
    """Consecutive events: dataset of the layout -> numbers."""
    try:
        for block in tree.iterate(list(branches.values()), library="np", step_size=BLOCK_SIZE):
            yield {name: _flat(source, branch, block[branch]) for name, branch in branches.items()}
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{source}: cannot be read ({_reason(error)}); copy or fetch it again") from error


def _flat(source: Path, branch: str, values: np.ndarray) -> np.ndarray:
    """Numbers of a branch, vectors as rows."""
    if values.dtype == object:
        rows = [np.asarray(row) for row in values]
        lengths = sorted({row.shape for row in rows})
        if len(lengths) != 1 or len(lengths[0]) != 1:
            raise DataError(
                f"{source}: branch {branch!r} holds lists of {lengths[0]} to {lengths[-1]} numbers, expected the same "
                "number of cells in each event: write all cells, empty ones too"
            )
        values = np.stack(rows)
    if values.dtype.kind not in "fiu":
        raise DataError(f"{source}: branch {branch!r} holds {values.dtype}, expected numbers")
    return values


def _write(path: Path, source: Path, blocks: Iterator[dict[str, np.ndarray]], detector: VoxelDetector) -> None:
    with PatientFile(path) as sink:
        with h5py.File(sink, "w") as file:
            for block in blocks:
                for name, values in block.items():
                    _append(source, file, name, values)
            file.attrs["converted_from"] = source.name
        if sink.error is not None:
            raise sink.error
    try:
        with open_shower_file(path, detector) as showers:
            check_contents([showers], digests=())
    except DataError as error:
        raise DataError(str(error).replace(str(path), str(source))) from error


def _append(source: Path, file: h5py.File, name: str, values: np.ndarray) -> None:
    if name not in file:
        shape = (None, *values.shape[1:])
        file.create_dataset(name, data=values, maxshape=shape, compression="gzip", shuffle=True, fletcher32=True)
        return
    dataset = file[name]
    if dataset.shape[1:] != values.shape[1:]:
        raise DataError(f"{source}: {name} changes from {dataset.shape[1:]} to {values.shape[1:]} numbers per event")
    first = len(dataset)
    dataset.resize(first + len(values), axis=0)
    dataset[first:] = values


def _reason(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
