"""The generators of a fleet as one, for particles and eta in any mixture (no TensorFlow).

A generator is loaded when its first shower is asked for, and the one that was not used for longest makes room.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path

import numpy as np

from calosim_tf.bundle.fleet_sidecar import FleetSidecar, read_fleet_sidecar
from calosim_tf.bundle.formats import FORMATS
from calosim_tf.errors import RunFolderError
from calosim_tf.inference.backends import format_of
from calosim_tf.inference.sampler import ShowerSampler

# Our choice: a network of a slice takes a few MB to some 100 MB
MOST_LOADED = 16


class FleetSampler:
    """All generators of the bundle of a fleet.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    backend, precision : str
        As for ``calosim generate``.
    threads : int
        0 for one per core.
    most_loaded : int
        Slices in memory at a time, at least 1.

    Attributes
    ----------
    sidecar : FleetSidecar
    loads : int
        Times that a slice was read from the disk.

    Raises
    ------
    RunFolderError
        The folder is no bundle of a fleet.
    ConfigError
        There is no such back end or precision.
    """

    def __init__(
        self,
        folder: Path,
        backend: str = "onnx",
        precision: str = "float32",
        threads: int = 0,
        most_loaded: int = MOST_LOADED,
    ):
        found = read_fleet_sidecar(Path(folder))
        if found is None:
            raise RunFolderError(f"{folder}: found the bundle of a single generator, expected that of a fleet")
        self.sidecar: FleetSidecar = found
        self.loads = 0
        self._most = max(1, most_loaded)
        self._how = backend, precision, threads
        self._loader = FORMATS[format_of(backend, precision)].function("loader")
        self._loaded: OrderedDict[int, ShowerSampler] = OrderedDict()
        # a search instead of a comparison with each slice: at batch 1 that would take longer than the shower
        self._lows = {
            particle: [found.slices[number].eta_range[0] for number in numbers]
            for particle, numbers in found.by_particle.items()
        }

    def sampler(self, particle: str, eta: float) -> ShowerSampler:
        """The generator of a slice, loaded now if it is not.

        Raises
        ------
        CalosimError
            As :meth:`FleetSidecar.route` and the loader of its format.
        """
        return self._sampler(self._slice(particle, eta))

    def showers(
        self, particles: list[str], eta: np.ndarray, incident_energy_mev: np.ndarray, seed: int
    ) -> list[np.ndarray]:
        """A shower for each particle, central and perpendicular in its slice.

        Parameters
        ----------
        particles : list of str, length n
        eta : ndarray, shape (n,)
        incident_energy_mev : ndarray, shape (n,)
        seed : int
            Key of the latent stream; shower i has the same latent whatever the others are.

        Returns
        -------
        list of ndarray, each of shape (voxels of its detector,), float32
            MeV, as the network gives it.
        """
        numbers = [self._slice(*one) for one in zip(particles, eta, strict=True)]
        made: list[np.ndarray] = [np.empty(0, np.float32)] * len(numbers)
        for number in dict.fromkeys(numbers):
            rows = np.flatnonzero(np.asarray(numbers) == number)
            showers = self._sampler(number).at(rows, incident_energy_mev[rows], seed)
            for row, shower in zip(rows, showers, strict=True):
                made[row] = shower
        return made

    @property
    def loaded(self) -> tuple[int, ...]:
        """Numbers of the slices in memory, the one that was used last at the end."""
        return tuple(self._loaded)

    def _slice(self, particle: str, eta: float) -> int:
        lows = self._lows.get(particle, ())
        place = bisect_right(lows, abs(eta)) - 1
        if place >= 0:
            number = self.sidecar.by_particle[particle][place]
            if abs(eta) < self.sidecar.slices[number].eta_range[1]:
                return number
        # at an edge, or outside: the words of the error are there
        return int(self.sidecar.route(particle, np.array([eta]))[0])

    def _sampler(self, number: int) -> ShowerSampler:
        if number in self._loaded:
            self._loaded.move_to_end(number)
            return self._loaded[number]
        while len(self._loaded) >= self._most:
            self._loaded.popitem(last=False)
        sampler = self._loader(self.sidecar.folder, self.sidecar.sidecar(number), *self._how)
        self.loads += 1
        self._loaded[number] = sampler
        return sampler
