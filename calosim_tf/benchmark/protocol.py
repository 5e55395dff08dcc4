"""Inference timed by the protocol of a paper (no TensorFlow)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from calosim_tf.benchmark.clocks import in_turn


@dataclass(frozen=True)
class InferenceProtocol:
    """How the 3DGAN paper times inference (arXiv 2105.08960, section 4): a reading is a step of several batches."""

    batch: int = 128
    steps: int = 100
    batches_per_step: int = 20
    warm_up_batches: int = 20

    @property
    def showers_per_step(self) -> int:
        return self.batches_per_step * self.batch


def bench_protocol(calls: dict[str, Callable[[], Any]], protocol: InferenceProtocol) -> dict[str, list[float]]:
    """Seconds per shower of each step, networks in turn after all are warm.

    Parameters
    ----------
    calls : dict
        Name -> a call that makes one batch.
    protocol : InferenceProtocol
    """

    def step(call: Callable[[], Any]) -> Callable[[], float]:
        def seconds() -> float:
            start = time.perf_counter()
            for _ in range(protocol.batches_per_step):
                call()
            return (time.perf_counter() - start) / protocol.showers_per_step

        return seconds

    for call in calls.values():
        for _ in range(protocol.warm_up_batches):
            call()
    return in_turn({name: step(call) for name, call in calls.items()}, protocol.steps)
