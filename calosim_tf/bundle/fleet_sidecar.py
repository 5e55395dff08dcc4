"""``sidecar.json`` of a fleet: for each particle and slice in eta the sidecar of a bundle (no TensorFlow).

The networks of a slice share its energies as those of a split do; files of all slices lie side by side.  A slice is
checked when it is asked for, so that hundreds of them are opened at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from calosim_tf.bundle.sidecar import SCHEMA, SIDECAR, SLICES, Sidecar, read_sidecar, sidecar_from
from calosim_tf.config.energy_range import route
from calosim_tf.errors import ConfigError, DataError, RunFolderError
from calosim_tf.files import read_json, write_json


@dataclass(frozen=True)
class BundledSlice:
    """A particle and a range of \\|eta\\| with its generator.

    Attributes
    ----------
    particle : str
    eta_range : (float, float)
    members : tuple of str
        Names in the plan, ascending in energy.
    stored : dict
        The sidecar as it is written.
    """

    particle: str
    eta_range: tuple[float, float]
    members: tuple[str, ...]
    stored: Mapping[str, Any]


@dataclass(frozen=True)
class FleetSidecar:
    """All slices of a bundle, particle after particle, ascending in eta; ``folder`` holds them."""

    folder: Path
    slices: tuple[BundledSlice, ...]

    @cached_property
    def by_particle(self) -> dict[str, tuple[int, ...]]:
        """Particle -> numbers of its slices, ascending in eta."""
        return {
            particle: tuple(number for number, item in enumerate(self.slices) if item.particle == particle)
            for particle in dict.fromkeys(item.particle for item in self.slices)
        }

    def route(self, particle: str, eta: np.ndarray) -> np.ndarray:
        """Number of the slice of each shower, shape (n,); a shared edge belongs to the slice above it.

        Parameters
        ----------
        particle : str
        eta : ndarray, shape (n,)
            Its sign does not matter.

        Raises
        ------
        ConfigError
            The bundle does not have this particle.
        DataError
            It has no slice at an eta.
        """
        if particle not in self.by_particle:
            raise ConfigError(
                f"--particle: found {particle!r}, expected one of this bundle: {', '.join(self.by_particle)}"
            )
        numbers = np.array(self.by_particle[particle])
        ranges = [self.slices[number].eta_range for number in numbers]
        absolute = np.abs(np.asarray(eta, dtype=np.float64))
        chosen = route(ranges, absolute, np.where)
        if (chosen < 0).any():
            raise DataError(
                f"--eta: found {np.asarray(eta)[chosen < 0][0]:g}, expected |eta| of a {particle} in "
                f"{_ranges_words(ranges)}"
            )
        return numbers[chosen]

    def sidecar(self, number: int) -> Sidecar:
        """The sidecar of a slice, checked; raises as :func:`calosim_tf.bundle.sidecar.read_sidecar`."""
        return sidecar_from(self.slices[number].stored, self.folder, f"{self.folder / SIDECAR}, slice {number}")


def read_fleet_sidecar(folder: Path) -> FleetSidecar | None:
    """The sidecar of a fleet; None for the bundle of a single generator.

    Raises
    ------
    RunFolderError
        It is missing, no JSON, of another schema or damaged.
    """
    path = Path(folder) / SIDECAR
    stored = read_json(path, "the sidecar of an exported bundle")
    if SLICES not in stored:
        return None
    if stored.get("schema") != SCHEMA:
        raise RunFolderError(
            f"{path}: found schema {stored.get('schema')!r}, expected {SCHEMA}: bundle again with this version"
        )
    try:
        slices = tuple(
            BundledSlice(
                str(row["particle"]), _ends(row["eta_range"]), tuple(map(str, row["members"])), dict(row["bundle"])
            )
            for row in stored[SLICES]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{path}: found no usable slices ({type(error).__name__}: {error})") from error
    if not slices:
        raise RunFolderError(f"{path}: found no slice, expected at least one")
    return FleetSidecar(Path(folder), slices)


def write_fleet_sidecar(folder: Path, rows: Sequence[tuple[str, tuple[float, float], Sequence[str], Sidecar]]) -> None:
    """Write ``sidecar.json``: particle, range of eta, names of the members and sidecar of each slice."""
    slices = [
        {"particle": particle, "eta_range": list(ends), "members": list(names), "bundle": dataclasses.asdict(sidecar)}
        for particle, ends, names, sidecar in rows
    ]
    write_json(Path(folder) / SIDECAR, {"schema": SCHEMA, SLICES: slices})


def chosen_sidecar(folder: Path, particle: str | None, eta: float | None) -> Sidecar:
    """The sidecar of a bundle, or of the slice of a fleet that makes this particle at this eta.

    Raises
    ------
    ConfigError
        Particle and eta are given for a single generator, or not given for a fleet, or the fleet lacks the particle.
    DataError
        The fleet has no slice there.
    RunFolderError
        As :func:`read_fleet_sidecar`.
    """
    fleet = read_fleet_sidecar(folder)
    if fleet is None:
        require_single(str(folder), particle, eta)
        return read_sidecar(folder)
    if particle is None or eta is None:
        raise ConfigError(
            f"{folder}: found the bundle of a fleet without --particle and --eta, expected both; particles: "
            f"{', '.join(fleet.by_particle)}"
        )
    if not np.isfinite(eta):
        raise ConfigError(f"--eta: found {eta}, expected a number")
    return fleet.sidecar(int(fleet.route(particle, np.array([eta]))[0]))


def require_single(name: str, particle: str | None, eta: float | None) -> None:
    """:class:`ConfigError` where particle or eta are given for a single generator."""
    for option, given in (("--particle", particle), ("--eta", eta)):
        if given is not None:
            raise ConfigError(f"{option}: found {given} with the single generator {name}, expected none: leave it out")


def _ends(given: Sequence[float]) -> tuple[float, float]:
    low, high = given
    if not 0 <= low < high:
        raise ValueError(f"eta from {low} to {high}")
    return float(low), float(high)


def _ranges_words(ranges: Sequence[tuple[float, float]]) -> str:
    """Ranges, those that touch as one."""
    merged: list[list[float]] = []
    for low, high in ranges:
        if merged and low - merged[-1][1] < 1e-9:
            merged[-1][1] = high
        else:
            merged.append([low, high])
    return ", ".join(f"{low:g} to {high:g}" for low, high in merged)
