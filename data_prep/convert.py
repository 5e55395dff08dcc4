"""Conversion of shower files between formats; the direction follows from the file name extensions and the layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calosim_tf.data_prep.convert_csv import csv_to_hdf5
from calosim_tf.data_prep.convert_lhcb import LHCB_LAYOUT, hdf5_to_npz, npz_to_hdf5
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import DETECTORS

HDF5_ENDINGS = (".hdf5", ".h5")
_WAYS = "CSV files to the HDF5 layout of a voxel detector, and npz to HDF5 or back in the layout lhcb"


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Attributes
    ----------
    out : Path
    events : int
    notes : tuple of str
        What is different from the source, in words.
    """

    out: Path
    events: int
    notes: tuple[str, ...]


def convert(
    files: Sequence[Path],
    layout: str,
    out: Path,
    *,
    incident_energy_mev: float | None = None,
    overwrite: bool = False,
) -> Conversion:
    """Convert ``files`` into one file ``out`` in the given layout.

    Parameters
    ----------
    files : sequence of Path
        CSV files, or one npz or HDF5 file in the layout ``lhcb``.
    layout : str
        ``lhcb``, or the name of a voxel detector.
    out : Path
    incident_energy_mev : float, optional
        Of all showers in the CSV files, where their names do not say it.
    overwrite : bool

    Raises
    ------
    ConfigError
        There is no such conversion, or ``out`` exists.
    DataError
        A file is missing, damaged, or not in the layout it should be in.
    """
    endings = {file.suffix.lower() for file in files}
    if endings == {".csv"} and layout in _voxel_layouts():
        _require_ending(out, HDF5_ENDINGS)
        events, notes = csv_to_hdf5(files, DETECTORS[layout], out, incident_energy_mev, overwrite)
        return Conversion(out, events, notes)
    if incident_energy_mev is not None:
        raise ConfigError("--energy is for CSV files only: other files hold their energies")
    if layout == LHCB_LAYOUT and len(files) == 1 and endings == {".npz"}:
        _require_ending(out, HDF5_ENDINGS)
        return Conversion(out, *npz_to_hdf5(files[0], out, overwrite))
    if layout == LHCB_LAYOUT and len(files) == 1 and endings <= set(HDF5_ENDINGS):
        _require_ending(out, (".npz",))
        return Conversion(out, *hdf5_to_npz(files[0], out, overwrite))
    if endings & {".tgz", ".gz", ".zip", ".tar"}:
        raise DataError(f"{files[0]}: is packed; unpack it first (tar xzf) and convert the files in it")
    found = f"{', '.join(sorted(endings)) or 'no ending'} to {layout!r}"
    raise ConfigError(f"no conversion of {found}: there is {_WAYS}; voxel detectors are {', '.join(_voxel_layouts())}")


def _voxel_layouts() -> list[str]:
    # CSV files hold no attributes of particles
    return [name for name, item in DETECTORS.items() if item.file_layout == "calochallenge" and not item.attributes]


def _require_ending(out: Path, endings: tuple[str, ...]) -> None:
    if out.suffix.lower() not in endings:
        raise ConfigError(f"--out {out}: expected a name that ends in {' or '.join(endings)}")
