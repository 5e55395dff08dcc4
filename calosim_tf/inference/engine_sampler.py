"""Showers from an engine, on all cores: one thread per core over calls whose feature maps stay in its cache.

On two cores, a photon network in calls of 512 showers and one thread per core reaches what its matrix products alone
allow; a single call of 10 000 showers, shared out inside each operation, sends every feature map through the memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.geometry import VoxelDetector
from calosim_tf.inference.engine import Engine, Worker
from calosim_tf.inference.sampler import NetworkSampler
from calosim_tf.latents import draw_latents

# Voxels of a call (our choice): 512 showers of 368 voxels, whose largest pair of feature maps is 1.6 MB
CALL_VOXELS = 512 * 368
# Below twice as many showers, waking a second thread takes longer than it saves
SHARED_ROWS = 32
BLOCKS_AHEAD = 2


class EngineSampler(NetworkSampler):
    """Showers from an exported network.

    Parameters
    ----------
    engine : Engine
    latent : LatentLaw
    normalisation : Normalisation
    detector : VoxelDetector
    threads : int
    """

    def __init__(
        self, engine: Engine, latent: LatentLaw, normalisation: Normalisation, detector: VoxelDetector, threads: int
    ):
        super().__init__(latent, normalisation, detector)
        self.engine = engine
        self.threads = threads
        fits = max(1, CALL_VOXELS // detector.n_voxels)
        self._call_rows = min(1 << (fits.bit_length() - 1), engine.largest_call or fits)
        self._pool = ThreadPoolExecutor(threads)
        self._own = threading.local()

    def blocks(
        self,
        incident_energy_mev: np.ndarray,
        seed: int,
        batch: int | None = None,
        attributes: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """As :meth:`ShowerSampler.blocks`; the next blocks are made while the caller has one."""
        batch = batch or self.default_batch
        rows = min(batch, self._call_rows)
        task_rows = rows * max(1, self._call_rows // rows)
        size = max(batch, task_rows * self.threads)

        def begun(first: int) -> tuple[np.ndarray, list[Future]]:
            block = np.empty((min(size, len(incident_energy_mev) - first), self.detector.n_voxels), np.float32)
            tasks = []
            for start in range(0, len(block), task_rows):
                part = slice(first + start, first + min(start + task_rows, len(block)))
                more = None if attributes is None else attributes[part]
                target = block[start : start + task_rows]
                tasks.append(
                    self._pool.submit(self._drawn, target, incident_energy_mev[part], more, seed, part.start, rows)
                )
            return block, tasks

        pending: deque[tuple[np.ndarray, list[Future]]] = deque()
        try:
            for first in range(0, len(incident_energy_mev), size):
                pending.append(begun(first))
                if len(pending) > BLOCKS_AHEAD:
                    yield _finished(*pending.popleft())
            while pending:
                yield _finished(*pending.popleft())
        finally:
            for _, tasks in pending:
                for task in tasks:
                    task.cancel()

    def showers(
        self, incident_energy_mev: np.ndarray, latent: np.ndarray, attributes: np.ndarray | None = None
    ) -> np.ndarray:
        """As :meth:`NetworkSampler.showers`."""
        block = np.empty((len(latent), self.detector.n_voxels), np.float32)
        condition = self.condition(incident_energy_mev, attributes)

        def fill(rows: slice) -> None:
            outputs = self._worker()(latent[rows], condition[rows])
            block[rows] = self.normalisation.to_mev(outputs, incident_energy_mev[rows])

        self._share_out(fill, self._pieces(len(latent)))
        return block

    def network_call(self, latent: np.ndarray, condition: np.ndarray) -> Callable[[], None]:
        """As :meth:`NetworkSampler.network_call`; the outputs are collected in one array."""
        outputs = np.empty((len(latent), self.engine.n_outputs), np.float32)
        pieces = self._pieces(len(latent))

        def fill(rows: slice) -> None:
            outputs[rows] = self._worker()(latent[rows], condition[rows])

        if len(pieces) == 1:
            return lambda: fill(pieces[0])
        return lambda: self._share_out(fill, pieces)

    def _drawn(
        self,
        target: np.ndarray,
        energy: np.ndarray,
        attributes: np.ndarray | None,
        seed: int,
        first: int,
        rows: int,
    ) -> None:
        """Fill ``target`` with the showers from ``first`` on, in calls of ``rows``."""
        latent = draw_latents(self.latent, seed, first, len(energy))
        condition = self.condition(energy, attributes)
        worker = self._worker()
        if rows >= len(energy):
            outputs = worker(latent, condition)
        else:
            outputs = np.empty((len(energy), self.engine.n_outputs), np.float32)
            for start in range(0, len(energy), rows):
                part = slice(start, start + rows)
                outputs[part] = worker(latent[part], condition[part])
        target[:] = self.normalisation.to_mev(outputs, energy)

    def _pieces(self, n: int) -> list[slice]:
        """Calls of about equal size, as many for each thread."""
        calls = -(-n // self._call_rows)
        if n >= 2 * SHARED_ROWS or calls > 1:
            calls = -(-calls // self.threads) * self.threads
        bounds = np.linspace(0, n, min(calls, n) + 1).astype(int)
        return [slice(*pair) for pair in pairwise(bounds)]

    def _share_out(self, fill: Callable[[slice], None], pieces: list[slice]) -> None:
        if len(pieces) == 1:
            fill(pieces[0])
            return
        for _ in self._pool.map(fill, pieces):
            pass

    def _worker(self) -> Worker:
        """The worker of this thread."""
        if not hasattr(self._own, "worker"):
            self._own.worker = self.engine.worker()
        return self._own.worker


def _finished(block: np.ndarray, tasks: list[Future]) -> np.ndarray:
    for task in tasks:
        task.result()
    return block
