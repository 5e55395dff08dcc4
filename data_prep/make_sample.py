"""Cut a shower file down to a small sample that travels with the package.

    python -m calosim_tf.data_prep.make_sample SOURCE OUT --events-per-energy N --mantissa-bits B
    python -m calosim_tf.data_prep.make_sample SOURCE OUT --events N --mantissa-bits B

The first N events (of each incident energy, where these are discrete) are kept, in the row order of the source.
Deposits are rounded to B mantissa bits (float32 has 23): the trailing zeros make the file small.  Provenance attributes
are copied.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.contents import check_contents
from calosim_tf.data.hdf5 import open_hdf5
from calosim_tf.data.layouts.calochallenge_file import SHOWERS
from calosim_tf.data.layouts.calogan_file import ENERGY, LAYERS, MOMENTUM, OVERFLOW, POSITION
from calosim_tf.data.layouts.ecal_file import ECAL, TARGET
from calosim_tf.data.layouts.lhcb_arrays import ARRAYS, DEPOSITS, checked, is_npz, read_npz
from calosim_tf.data.layouts.lhcb_file import LhcbFile
from calosim_tf.data.readers import open_showers, source_label
from calosim_tf.errors import CalosimError, DataError

FLOAT32_MANTISSA_BITS = 23
CHUNK_NUMBERS = 1024 * 368
# Datasets of all layouts whose numbers are rounded
DEPOSIT_NAMES = (SHOWERS, DEPOSITS, ECAL, *LAYERS, OVERFLOW)
UNITS = (
    {name: unit for name, (unit, _) in ARRAYS.items()}
    | {ECAL: "GeV", TARGET: "PDG code, GeV, GeV, GeV, GeV", ENERGY: "GeV", "z0": "mm"}
    | dict.fromkeys(POSITION, "mm")
    | dict.fromkeys(MOMENTUM, "GeV")
)


def round_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    """Values rounded to the nearest float32 with ``bits`` mantissa bits, ties to even.

    Parameters
    ----------
    values : ndarray
        Any finite numbers of float32 range.
    bits : int
        Explicit mantissa bits kept, 1 ... 23.

    Returns
    -------
    ndarray of float32, same shape; the relative change of a normal number is at most ``2**-(bits + 1)``.
    """
    if not 1 <= bits <= FLOAT32_MANTISSA_BITS:
        raise DataError(f"--mantissa-bits {bits}: expected 1 ... {FLOAT32_MANTISSA_BITS}")
    pattern = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    dropped = np.uint32(FLOAT32_MANTISSA_BITS - bits)
    if dropped == 0:
        return pattern.view(np.float32)
    # Adding just below half of the last kept bit, plus that bit itself when it is odd, rounds half to even; a carry out
    # of the mantissa correctly raises the exponent.
    last_kept_bit = (pattern >> dropped) & np.uint32(1)
    just_below_half = np.uint32((1 << (int(dropped) - 1)) - 1)
    rounded = (pattern + just_below_half + last_kept_bit) >> dropped << dropped
    return rounded.view(np.float32)


def first_rows_per_energy(incident_energy_mev: np.ndarray, events_per_energy: int) -> np.ndarray:
    """Ascending row numbers of the first ``events_per_energy`` events of each incident energy.

    Raises
    ------
    DataError
        An energy has fewer events than requested.
    """
    rows = []
    for energy in np.unique(incident_energy_mev):
        of_energy = np.flatnonzero(incident_energy_mev == energy)
        if not 0 < events_per_energy <= len(of_energy):
            raise DataError(
                f"--events-per-energy {events_per_energy}: the source has {len(of_energy)} events at {energy:g} MeV; "
                f"ask for 1 ... {len(of_energy)}"
            )
        rows.append(of_energy[:events_per_energy])
    return np.sort(np.concatenate(rows))


def make_sample(
    source: Path, out: Path, mantissa_bits: int, *, events_per_energy: int | None = None, events: int | None = None
) -> None:
    """Write the sample ``out`` (HDF5) from ``source``, a file in any layout; all its datasets are kept.

    Parameters
    ----------
    source, out : Path
    mantissa_bits : int
    events_per_energy, events : int, optional
        One of them: the first of each incident energy, or the first of the file.

    Raises
    ------
    DataError
        The source is damaged or has too few events, or ``mantissa_bits`` is out of range.
    """
    (file,) = open_showers(source)
    with file:
        incident_mev = file.incident_energy_mev
        if events is None:
            rows = first_rows_per_energy(incident_mev, events_per_energy)
            cut = f"first {events_per_energy} of the events of each energy, row order of the source kept"
        elif 0 < events <= len(incident_mev):
            rows, cut = np.arange(events), f"first {events} events"
        else:
            raise DataError(f"--events {events}: the source has {len(incident_mev)} events")
        digests = check_contents([file]).files[0]
        attributes = dict(file.attributes)
        if isinstance(file, LhcbFile):
            attributes["axes"] = file.axes
    columns = {name: values[rows] for name, values in _columns(source).items()}
    columns |= {name: round_mantissa(columns[name], mantissa_bits) for name in DEPOSIT_NAMES if name in columns}
    attributes |= {
        "name": source_label([file]),
        "precision": f"{mantissa_bits} mantissa bits (source: {attributes.get('precision', 'not stated')})",
        "cut": cut,
        "rounding": f"voxel energies rounded to the nearest float32 with {mantissa_bits} mantissa bits, ties to even",
        "source_file": source.name,
        "source_sha256": digests["sha256"],
        "source_events": len(incident_mev),
    }
    _write(out, columns, attributes)


def _columns(source: Path) -> dict[str, np.ndarray]:
    """All arrays of a checked file with one row per event."""
    if is_npz(source):
        return checked(source, read_npz(source)[0])
    with open_hdf5(source) as file:
        return {name: np.asarray(dataset[()]) for name, dataset in file.items()}


def _write(out: Path, columns: Mapping[str, np.ndarray], attributes: Mapping[str, object]) -> None:
    """As small as HDF5 can make it; :class:`~calosim_tf.data.writer.ShowerWriter` is for speed."""
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        with h5py.File(partial, "w") as file:
            for name, value in sorted(attributes.items()):
                file.attrs[name] = value
            for name, values in columns.items():
                dataset = file.create_dataset(
                    name,
                    data=values.astype(np.float32) if values.dtype.kind == "f" else values,
                    chunks=(max(1, min(len(values), CHUNK_NUMBERS // values[0].size)), *values.shape[1:]),
                    compression="gzip",
                    compression_opts=9,
                    shuffle=True,
                    fletcher32=True,
                )
                dataset.attrs["units"] = UNITS.get(name, "MeV")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the module; returns the exit code."""
    description = "Cut a shower file down to a small sample."
    parser = argparse.ArgumentParser(prog="python -m calosim_tf.data_prep.make_sample", description=description)
    parser.add_argument("source", type=Path, metavar="SOURCE", help="file of showers in any layout")
    parser.add_argument("out", type=Path, metavar="OUT", help="HDF5 file to write")
    number = parser.add_mutually_exclusive_group(required=True)
    number.add_argument("--events-per-energy", type=int, metavar="N")
    number.add_argument("--events", type=int, metavar="N")
    parser.add_argument("--mantissa-bits", type=int, required=True, metavar="B")
    options = parser.parse_args(arguments)
    try:
        make_sample(
            options.source,
            options.out,
            options.mantissa_bits,
            events_per_energy=options.events_per_energy,
            events=options.events,
        )
    except CalosimError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
