"""What runs an exported network: an engine for the process, a worker for each thread (no TensorFlow)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

# (latent, condition) -> outputs of these showers, flat; the array is good until the next call
Worker = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Engine(ABC):
    """An exported network in memory.

    Attributes
    ----------
    n_outputs : int
        Numbers that the network gives for one shower.
    largest_call : int or None
        Most showers that one call takes; None for any number.
    """

    n_outputs: int
    largest_call: int | None = None

    @abstractmethod
    def worker(self, threads: int = 1) -> Worker:
        """Something that runs the network in the thread that calls it, or in several, with its own buffers.

        It takes ``latent`` (n, l) and ``condition`` (n, k), float32, and gives (n, n_outputs), float32.
        """
