"""A network on all cores: one thread per core, each with its own showers (no TensorFlow).

On two cores, a photon network in calls of 512 showers reaches the speed of its matrix products alone.  One call of 10
000 showers, shared out inside each operation, sends every feature map through main memory (docs/inference.md).  A
single call that fits into the caches is shared out inside its operations all the same: the threads of the runtime stay
awake for the next one, ours would have to be woken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from calosim_tf.inference.engine import Engine, Worker

# Voxels of a call (our choice): 512 showers of 368 voxels, whose largest pair of feature maps is 1.6 MB
CALL_VOXELS = 512 * 368
# From this many showers on, threads share a call (our choice): below, dividing it costs more than it saves
FEWEST_SHARED = 64


def rows_in_cache(n_voxels: int) -> int:
    """Showers of a call whose feature maps stay in the cache of a core, a power of two."""
    return 1 << (max(1, CALL_VOXELS // n_voxels).bit_length() - 1)


class ParallelNetwork:
    """An engine, its threads and the size of their calls.

    Parameters
    ----------
    engine : Engine
    threads : int
    n_voxels : int
        Of a shower, which decides how many of them fit into a call.

    Attributes
    ----------
    pool : ThreadPoolExecutor
    call_rows : int
        Most showers of a call.
    """

    def __init__(self, engine: Engine, threads: int, n_voxels: int):
        self.engine = engine
        self.threads = threads
        fits = rows_in_cache(n_voxels)
        self.call_rows = min(fits, engine.largest_call or fits)
        self.pool = ThreadPoolExecutor(threads)
        self._own = threading.local()

    def worker(self) -> Worker:
        """The worker of the thread that asks."""
        if not hasattr(self._own, "worker"):
            self._own.worker = self.engine.worker()
        return self._own.worker

    def _team(self) -> Worker:
        """A worker of the thread that asks whose operations are shared out among all threads."""
        if not hasattr(self._own, "team"):
            self._own.team = self.engine.worker(self.threads)
        return self._own.team

    def share_out(self, fill: Callable[[slice, Worker], None], n: int) -> None:
        """Call ``fill`` with slices that make up ``n`` showers and what is to run them, on all threads, and wait."""
        largest = min(self.call_rows * self.threads, self.engine.largest_call or n)
        if self.threads > 1 and FEWEST_SHARED <= n <= largest:
            fill(slice(0, n), self._team())
            return
        pieces = self._pieces(n)
        if len(pieces) == 1:
            fill(pieces[0], self.worker())
            return
        for _ in self.pool.map(lambda rows: fill(rows, self.worker()), pieces):
            pass

    def call_on(self, latent: np.ndarray, condition: np.ndarray) -> Callable[[], np.ndarray]:
        """A call of the network on inputs that are ready.

        Parameters
        ----------
        latent : ndarray, shape (n, l), float32
        condition : ndarray, shape (n, k), float32

        Returns
        -------
        callable
            Gives the outputs, shape (n, n_outputs), in the same array each time.
        """
        outputs = np.empty((len(latent), self.engine.n_outputs), np.float32)

        def fill(rows: slice, worker: Worker) -> None:
            outputs[rows] = worker(latent[rows], condition[rows])

        def call() -> np.ndarray:
            self.share_out(fill, len(latent))
            return outputs

        return call

    def _pieces(self, n: int) -> list[slice]:
        """Calls of about equal size, as many for each thread."""
        calls = -(-n // self.call_rows)
        if calls == 1:
            return [slice(0, n)]
        calls = -(-calls // self.threads) * self.threads
        return [slice(*pair) for pair in pairwise(np.linspace(0, n, min(calls, n) + 1).astype(int).tolist())]
