"""npz to HDF5 and back for the LHCb-like layout: the same arrays under the same names (no TensorFlow).

Names, shapes and units are those of :mod:`calosim_tf.data.layouts.lhcb_arrays`.  The meaning of the image axes is also
written where the source gives it or its showers show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.hdf5 import PatientFile
from calosim_tf.data.layouts.lhcb_arrays import (
    ARRAYS,
    AXES,
    AXES_KEY,
    DEPOSITS,
    checked,
    describe_hdf5,
    describe_npz,
    read_hdf5,
    read_npz,
    words_for_npz,
)
from calosim_tf.data.layouts.lhcb_file import axes_from_arrays
from calosim_tf.data_prep.whole_file import require_free, write_whole

LHCB_LAYOUT = "lhcb"


def npz_to_hdf5(source: Path, out: Path, overwrite: bool = False) -> tuple[int, tuple[str, ...]]:
    """Write the arrays of an npz file to HDF5 (gzip), numbers unchanged.

    Returns
    -------
    events : int
    notes : tuple of str
        Arrays that were left out.

    Raises
    ------
    ConfigError
        ``out`` exists or its folder does not.
    DataError
        The source is missing, damaged, pickled, or not in the layout, or ``out`` cannot be written.
    """
    require_free(out, overwrite)
    found, others = read_npz(source)
    arrays = checked(source, found, others)
    attributes = _with_axes(describe_npz(source), arrays)
    write_whole(out, lambda partial: _write_hdf5(partial, arrays, attributes))
    return len(arrays[DEPOSITS]), _left_out(others)


def hdf5_to_npz(source: Path, out: Path, overwrite: bool = False) -> tuple[int, tuple[str, ...]]:
    """Write the arrays of an HDF5 file to a compressed npz file, numbers unchanged; as :func:`npz_to_hdf5`."""
    require_free(out, overwrite)
    found, others = read_hdf5(source)
    arrays = checked(source, found, others)
    words = words_for_npz(_with_axes(describe_hdf5(source)[0], arrays))
    write_whole(out, lambda partial: _write_npz(partial, arrays | words))
    return len(arrays[DEPOSITS]), _left_out(others)


def _with_axes(attributes: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> dict[str, object]:
    """The attributes with ``axes``, except for showers that do not show them."""
    known = attributes.get(AXES_KEY) if attributes.get(AXES_KEY) in AXES else axes_from_arrays(arrays)
    others = {name: value for name, value in attributes.items() if name != AXES_KEY}
    return others | ({AXES_KEY: known} if known else {})


def _write_hdf5(path: Path, arrays: Mapping[str, np.ndarray], attributes: Mapping[str, object]) -> None:
    with PatientFile(path) as sink:
        with h5py.File(sink, "w") as file:
            for name, array in arrays.items():
                dataset = file.create_dataset(
                    name, data=array, chunks=True, compression="gzip", shuffle=True, fletcher32=True
                )
                dataset.attrs["units"] = ARRAYS[name][0]
            for name, value in attributes.items():
                file.attrs[name] = value
        if sink.error is not None:
            raise sink.error


def _write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _left_out(names: list[str]) -> tuple[str, ...]:
    return (f"left out, as not part of the layout: {', '.join(names)}",) if names else ()
