"""Conversion of shower files between formats; the direction follows from the file name extensions and the layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calosim_tf.data_prep.convert_csv import csv_to_hdf5
from calosim_tf.data_prep.convert_lhcb import LHCB_LAYOUT, hdf5_to_npz, npz_to_hdf5
from calosim_tf.data_prep.convert_root import root_to_hdf5
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import DETECTORS, VoxelDetector

HDF5_ENDINGS = (".hdf5", ".h5")
_WAYS = (
    "CSV files to the HDF5 layout of a voxel detector, ROOT to the HDF5 layout of any, and npz to HDF5 or back in the "
    "layout lhcb"
)


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
    layout: str | VoxelDetector,
    out: Path,
    *,
    incident_energy_mev: float | None = None,
    keys: Sequence[tuple[str, str]] = (),
    tree: str = "",
    overwrite: bool = False,
) -> Conversion:
    """Convert ``files`` into one file ``out`` in the given layout.

    Parameters
    ----------
    files : sequence of Path
        CSV files, or one ROOT file, or one npz or HDF5 file in the layout ``lhcb``.
    layout : str or VoxelDetector
        A detector, or its name.
    out : Path
    incident_energy_mev : float, optional
        Of all showers in the CSV files, where their names do not say it.
    keys, tree
        Of a ROOT file, as for :func:`~calosim_tf.data_prep.convert_root.root_to_hdf5`.
    overwrite : bool

    Raises
    ------
    ConfigError
        There is no such conversion, or ``out`` exists.
    DataError
        A file is missing, damaged, or not in the layout it should be in.
    """
    endings = {file.suffix.lower() for file in files}
    detector = layout if isinstance(layout, VoxelDetector) else DETECTORS.get(layout)
    if endings != {".root"} and (keys or tree):
        raise ConfigError("--keys and --tree are for ROOT files only: leave them out")
    if endings == {".csv"} and detector is not None and _has_csv(detector):
        _require_ending(out, HDF5_ENDINGS)
        events, notes = csv_to_hdf5(files, detector, out, incident_energy_mev, overwrite)
        return Conversion(out, events, notes)
    if incident_energy_mev is not None:
        raise ConfigError("--energy is for CSV files only: other files hold their energies")
    if len(files) == 1 and endings == {".root"} and detector is not None:
        _require_ending(out, HDF5_ENDINGS)
        done = root_to_hdf5(files[0], detector, out, keys=keys, tree=tree, overwrite=overwrite)
        return Conversion(out, *done)
    if layout == LHCB_LAYOUT and len(files) == 1 and endings == {".npz"}:
        _require_ending(out, HDF5_ENDINGS)
        return Conversion(out, *npz_to_hdf5(files[0], out, overwrite))
    if layout == LHCB_LAYOUT and len(files) == 1 and endings <= set(HDF5_ENDINGS):
        _require_ending(out, (".npz",))
        return Conversion(out, *hdf5_to_npz(files[0], out, overwrite))
    if endings & {".tgz", ".gz", ".zip", ".tar"}:
        raise DataError(f"{files[0]}: is packed; unpack it first (tar xzf) and convert the files in it")
    name = detector.name if detector is not None else layout
    found = f"{', '.join(sorted(endings)) or 'no ending'} to {name!r}"
    raise ConfigError(f"no conversion of {found}: there is {_WAYS}; voxel detectors are {', '.join(_voxel_layouts())}")


def _voxel_layouts() -> list[str]:
    return [name for name, item in DETECTORS.items() if _has_csv(item)]


def _has_csv(detector: VoxelDetector) -> bool:
    # CSV files hold no attributes of particles
    return detector.file_layout == "calochallenge" and not detector.attributes


def _require_ending(out: Path, endings: tuple[str, ...]) -> None:
    if out.suffix.lower() not in endings:
        raise ConfigError(f"--out {out}: expected a name that ends in {' or '.join(endings)}")
