"""Time of a training on many workers, and of a fleet on many slots, from few measured numbers (no TensorFlow).

An iteration takes the time of one worker for its part of the batch, and the time of its sums over all workers.  For a
sum of ``B`` bytes over a ring of ``w`` workers, each of which sends at ``b`` bytes per second and is ``l`` seconds away
from the next one, that is

    2 (w - 1) / w * B / b + 2 (w - 1) * l

(``w - 1`` rounds that add up pieces of ``B / w`` bytes, and as many that pass the sums on).  Nothing overlaps, and all
workers are equally fast at all times: what a real cluster loses to slow workers comes on top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BITS = 8
HOUR_S = 3600.0


@dataclass(frozen=True)
class Network:
    """What joins a worker to the next one.

    Attributes
    ----------
    bandwidth : float
        bit/s in each direction.
    latency : float
        s, one way.
    """

    bandwidth: float
    latency: float

    def sum_seconds(self, size: int, workers: int) -> float:
        """Seconds of one sum of ``size`` bytes over a ring of workers."""
        rounds = 2 * (workers - 1)
        return rounds * (size / workers * BITS / self.bandwidth + self.latency)


@dataclass(frozen=True)
class Training:
    """A training on one worker, and what it exchanges on several.

    Attributes
    ----------
    seconds_per_iteration : float
        Of one worker with the whole batch.
    exchanges : sequence of int
        Bytes of each sum over the workers in an iteration: one for each update of critic and generator, and those of
        layers that need the whole batch.
    iterations : int
    start_up : float
        s from the start of the job to its first iteration.
    """

    seconds_per_iteration: float
    exchanges: Sequence[int]
    iterations: int
    start_up: float = 0.0

    def predict(self, network: Network, workers: int) -> list[dict[str, Any]]:
        """Seconds per iteration and hours, at a fixed batch per worker and at a fixed global batch.

        Returns
        -------
        list of dict
            ``fixed`` (``per_worker`` or ``global``), ``workers``, ``exchange_seconds`` and ``seconds_per_iteration``,
            ``efficiency`` (showers per second and worker over those of one worker), ``hours`` for the showers of the
            whole training, ``worker_hours``.

        Notes
        -----
        A fixed global batch is taken to need 1/w of the time on each worker.  Small batches need more.
        """
        exchange = sum(network.sum_seconds(size, workers) for size in self.exchanges)
        alone = self.seconds_per_iteration
        rows = []
        # a batch that grows with the workers needs fewer iterations
        for fixed, compute, iterations in (
            ("per_worker", alone, self.iterations / workers),
            ("global", alone / workers, self.iterations),
        ):
            hours = (self.start_up + iterations * (compute + exchange)) / HOUR_S
            rows.append(
                {
                    "fixed": fixed,
                    "workers": workers,
                    "exchange_seconds": exchange,
                    "seconds_per_iteration": compute + exchange,
                    "efficiency": compute / (compute + exchange),
                    "hours": hours,
                    "worker_hours": workers * hours,
                }
            )
        return rows

    def fleet(self, members: int, slots: int) -> dict[str, Any]:
        """Hours of a fleet of equal trainings on one worker each, so many at a time.

        Returns
        -------
        dict
            ``members``, ``slots``, ``waves`` of members one after another, ``hours`` until the last one ends, and
            ``slot_hours`` of those that work.
        """
        each = (self.start_up + self.iterations * self.seconds_per_iteration) / HOUR_S
        waves = math.ceil(members / slots)
        return {
            "members": members,
            "slots": slots,
            "waves": waves,
            "hours": waves * each,
            "slot_hours": members * each,
        }
