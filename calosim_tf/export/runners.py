"""Exported files as functions of latent and condition, to check them with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calosim_tf.inference.engine import Engine

# (latent, condition) -> outputs of one shower each, flat
Runner = Callable[[np.ndarray, np.ndarray], np.ndarray]


def in_calls(engine: Engine) -> Runner:
    """An engine as a function of any number of showers."""
    worker = engine.worker()

    def run(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        step = engine.largest_call or len(latent)
        # a worker's array is good until its next call
        blocks = [
            worker(latent[first : first + step], condition[first : first + step]).copy()
            for first in range(0, len(latent), step)
        ]
        return np.concatenate(blocks)

    return run
