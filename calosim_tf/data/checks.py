"""What is in a data file, for people who are about to train on it (no TensorFlow)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from os import PathLike

import numpy as np

from calosim_tf.data.contents import Contents, check_contents
from calosim_tf.data.known_files import CALOCHALLENGE, titles_by_digest
from calosim_tf.data.layouts.calochallenge_file import PUBLISHED_VOXEL_COUNTS
from calosim_tf.data.readers import LAYOUTS, close_showers, open_showers, source_label
from calosim_tf.data.shower_file import ShowerFile
from calosim_tf.geometry import DETECTORS, VoxelDetector
from calosim_tf.same_energy import listed_energies

KNOWN_FILES = titles_by_digest(CALOCHALLENGE)

# Events at 2^8 ... 2^22 MeV in the files of CaloChallenge data set 1, as published.
_UP_TO_131_GEV = (10_000,) * 10
PUBLISHED_EVENTS_PER_ENERGY = {
    (*_UP_TO_131_GEV, 10_000, 5_000, 3_000, 2_000, 1_000): "the published photon files",
    (*_UP_TO_131_GEV, 9_800, 5_000, 3_000, 2_000, 1_000): "the published pion files",
    (*_UP_TO_131_GEV, 10_000, 5_000, 3_000, 2_000, 230): (
        "the first production of the pion file, which held duplicated showers and was replaced on 2023-06-30: "
        "fetch the newer one"
    ),
}


def check_report(
    paths: str | PathLike | Sequence[str | PathLike],
    detector: VoxelDetector | None = None,
    keys: Sequence[tuple[str, str]] = (),
) -> dict:
    """Read the files once and describe them.

    Parameters
    ----------
    paths : path or sequence of paths
        Read as one data set.
    detector : VoxelDetector, optional
        Whose layout they must have; told from the number of voxels unless given.
    keys : sequence of (str, str)
        As for :class:`~calosim_tf.data.shower_file.ShowerFile`.

    Returns
    -------
    dict
        Ready for JSON.  Energies in MeV; ``per_energy`` is None for a continuous spectrum.

    Raises
    ------
    DataError
        The files cannot be trained on; the message is the finding.
    ConfigError
        ``keys`` has a name that the layout does not have.
    """
    files = open_showers(paths, detector, keys)
    try:
        voxels = VoxelStatistics(sum(file.n_events for file in files))
        contents = check_contents(files, digests=("sha256", "md5"), on_block=voxels.add)
        return _report(files, contents, voxels, detector)
    finally:
        close_showers(files)


class VoxelStatistics:
    """Extremes of the voxels, and duplicated showers, of rows that come block by block.

    Parameters
    ----------
    n_events : int
        Rows of all blocks together.
    """

    def __init__(self, n_events: int):
        self.minimum_mev = np.inf
        self.maximum_mev = -np.inf
        self._fingerprints = np.empty(n_events, dtype=np.uint64)
        self._n_rows = 0

    def add(self, values: np.ndarray) -> None:
        """Take a block of rows, shape (n, n_voxels), into account."""
        self.minimum_mev = min(self.minimum_mev, float(values.min()))
        self.maximum_mev = max(self.maximum_mev, float(values.max()))
        # float32: the same shower may be in one file in double and in another in single precision
        for row in np.ascontiguousarray(values, dtype=np.float32):
            digest = hashlib.blake2b(row, digest_size=8).digest()
            self._fingerprints[self._n_rows] = int.from_bytes(digest, "little")
            self._n_rows += 1

    def duplicates(self, rows: np.ndarray) -> int:
        """How many of ``rows`` (a mask) repeat an earlier one of them voxel by voxel."""
        return int(rows.sum()) - len(np.unique(self._fingerprints[rows]))


def _report(
    files: Sequence[ShowerFile], contents: Contents, voxels: VoxelStatistics, detector: VoxelDetector | None
) -> dict:
    n_voxels = files[0].n_voxels
    incident, deposited = contents.incident_energy_mev, contents.deposited_mev
    fraction = deposited / incident
    energies, counts = np.unique(incident, return_counts=True)
    per_energy = None
    if listed_energies(incident) is not None:
        per_energy = [
            {
                "incident_energy_mev": float(energy),
                "events": int(count),
                "deposited_fraction_mean": float(fraction[incident == energy].mean()),
                "deposited_fraction_std": float(fraction[incident == energy].std()),
            }
            for energy, count in zip(energies, counts, strict=True)
        ]
    detector = detector or fitting_detector(files)
    return {
        "layout": files[0].layout,
        "detector": None if detector is None else detector.name,
        "published_layout": PUBLISHED_VOXEL_COUNTS.get(n_voxels),
        "voxels": n_voxels,
        "units": "MeV",
        "source": source_label(files),
        "events": len(incident),
        "incident_energy_min_mev": float(energies[0]),
        "incident_energy_max_mev": float(energies[-1]),
        "nominal_energy_mev": detector.nominal_energy_mev if detector is not None else 0.0,
        "per_energy": per_energy,
        "events_per_energy_match": PUBLISHED_EVENTS_PER_ENERGY.get(tuple(counts.tolist())),
        "deposited_fraction_mean": float(fraction.mean()),
        "voxel_min_mev": voxels.minimum_mev,
        "voxel_max_mev": voxels.maximum_mev,
        "finite": True,
        "empty_showers": contents.n_empty,
        "duplicated_showers": voxels.duplicates(deposited > 0),
        "particles": _particles(files, detector),
        "files": [
            record
            | {
                "dtype": str(file.dtype),
                "compression": file.compression,
                "known_file": KNOWN_FILES.get(record["sha256"]) or KNOWN_FILES.get(record["md5"]),
            }
            for file, record in zip(files, contents.files, strict=True)
        ],
    }


def fitting_detector(files: Sequence[ShowerFile]) -> VoxelDetector | None:
    """First known detector whose files look like these; None where there is none."""
    layouts = {name for name, reader in LAYOUTS.items() if isinstance(files[0], reader)}
    told = min(file.particle_attributes.shape[1] for file in files)
    fitting = (
        item
        for item in DETECTORS.values()
        if item.n_voxels == files[0].n_voxels and item.file_layout in layouts and len(item.attributes) <= told
    )
    return next(fitting, None)


def _particles(files: Sequence[ShowerFile], detector: VoxelDetector | None) -> list[dict]:
    """Range of each attribute of the incident particles; empty where the files have none.

    A file may say more than its detector needs: another one of the same layout then names the columns.
    """
    parts = [file.particle_attributes for file in files]
    if len({part.shape[1] for part in parts}) > 1:
        return []
    columns = np.concatenate(parts)
    records = DETECTORS.values() if detector is None else (detector, *DETECTORS.values())
    names = next((item.attributes for item in records if len(item.attributes) == columns.shape[1]), ())
    return [
        {
            "attribute": name,
            "min": float(column.min()),
            "max": float(column.max()),
            "mean": float(column.mean()),
            "std": float(column.std()),
        }
        for name, column in zip(names, columns.T, strict=True)
    ]


def format_report(report: dict) -> str:
    """The report of :func:`check_report` as lines for people."""
    lines = []
    for file in report["files"]:
        lines += [
            file["path"],
            f"  {file['events']} events, {file['bytes']} bytes",
            f"  {file['dtype']}, {file['compression'] or 'no'} compression",
            f"  sha256 {file['sha256']}",
            f"  md5 {file['md5']}",
            f"  {'is ' + file['known_file'] if file['known_file'] else 'no published checksum matches'}",
        ]
    detector = report["detector"] or report["published_layout"] or "unknown"
    lines += [
        f"layout      {report['layout']}, {report['voxels']} voxels, detector {detector}, units {report['units']}",
        f"showers     {report['source']}",
        f"events      {report['events']}, {report['empty_showers']} empty, {report['duplicated_showers']} duplicated",
        f"voxels      {report['voxel_min_mev']:g} to {report['voxel_max_mev']:g} MeV, all finite",
        f"deposited   {report['deposited_fraction_mean']:.4f} of the incident energy on average",
    ]
    lines += [
        f"{row['attribute']:<11} {row['min']:g} to {row['max']:g}, mean {row['mean']:.4g}, std {row['std']:.4g}"
        for row in report["particles"]
    ]
    if report["events_per_energy_match"]:
        lines.append(f"            events per energy as in {report['events_per_energy_match']}")
    if report["nominal_energy_mev"]:
        lines.append(f"energies    none, {report['nominal_energy_mev']:g} MeV stands in for them")
    elif report["per_energy"] is None:
        low, high = report["incident_energy_min_mev"], report["incident_energy_max_mev"]
        lines.append(f"energies    continuous, {low:g} to {high:g} MeV")
    else:
        lines.append(f"{'incident energy / MeV':>22} {'events':>9} {'deposited':>10} {'std':>8}")
        lines += [
            f"{row['incident_energy_mev']:>22g} {row['events']:>9} {row['deposited_fraction_mean']:>10.4f} "
            f"{row['deposited_fraction_std']:>8.4f}"
            for row in report["per_energy"]
        ]
    return "\n".join(lines)
