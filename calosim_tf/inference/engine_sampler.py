"""Showers from an exported network, latents and physics included, on all cores (no TensorFlow)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import numpy as np

from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.geometry import VoxelDetector
from calosim_tf.inference.engine import Worker
from calosim_tf.inference.parallel import ParallelNetwork
from calosim_tf.inference.sampler import NetworkSampler
from calosim_tf.latents import draw_latents

BLOCKS_AHEAD = 2


class EngineSampler(NetworkSampler):
    """Showers from an exported network.

    A thread draws the latents of a few hundred showers, runs the network on them and turns its outputs into MeV, all in
    the cache of its core.

    Parameters
    ----------
    network : ParallelNetwork
    latent : LatentLaw
    normalisation : Normalisation
    detector : VoxelDetector
    """

    def __init__(
        self, network: ParallelNetwork, latent: LatentLaw, normalisation: Normalisation, detector: VoxelDetector
    ):
        super().__init__(latent, normalisation, detector)
        self.network = network

    def blocks(
        self,
        incident_energy_mev: np.ndarray,
        seed: int,
        batch: int | None = None,
        attributes: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """As :meth:`ShowerSampler.blocks`; the next blocks are made while the caller has one."""
        batch = batch or self.default_batch
        n, rows = len(incident_energy_mev), min(batch, self.network.call_rows)
        # small calls are grouped, so that handing them to a thread costs little
        task_rows = rows * (self.network.call_rows // rows)
        size = max(batch, task_rows * self.network.threads)

        def begun(first: int) -> tuple[np.ndarray, list[Future]]:
            block = np.empty((min(size, n - first), self.detector.n_voxels), np.float32)
            tasks = []
            for start in range(0, len(block), task_rows):
                target = block[start : start + task_rows]
                part = slice(first + start, first + start + len(target))
                more = None if attributes is None else attributes[part]
                task = self.network.pool.submit(
                    self._fill, target, incident_energy_mev[part], more, seed, part.start, rows
                )
                tasks.append(task)
            return block, tasks

        pending: deque[tuple[np.ndarray, list[Future]]] = deque()
        try:
            for first in range(0, n, size):
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

        def fill(rows: slice, worker: Worker) -> None:
            outputs = worker(latent[rows], condition[rows])
            block[rows] = self.normalisation.to_mev(outputs, incident_energy_mev[rows])

        self.network.share_out(fill, len(latent))
        return block

    def network_call(self, latent: np.ndarray, condition: np.ndarray) -> Callable[[], np.ndarray]:
        """As :meth:`NetworkSampler.network_call`."""
        return self.network.call_on(latent, condition)

    def _fill(
        self,
        target: np.ndarray,
        energy: np.ndarray,
        attributes: np.ndarray | None,
        seed: int,
        first: int,
        rows: int,
    ) -> None:
        """Showers from ``first`` on into ``target``, in calls of ``rows``."""
        latent = draw_latents(self.latent, seed, first, len(energy))
        condition = self.condition(energy, attributes)
        worker = self.network.worker()
        if rows >= len(energy):
            outputs = worker(latent, condition)
        else:
            outputs = np.empty((len(energy), self.network.engine.n_outputs), np.float32)
            for start in range(0, len(energy), rows):
                part = slice(start, start + rows)
                outputs[part] = worker(latent[part], condition[part])
        target[:] = self.normalisation.to_mev(outputs, energy)


def _finished(block: np.ndarray, tasks: list[Future]) -> np.ndarray:
    for task in tasks:
        task.result()
    return block
