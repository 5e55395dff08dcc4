"""How the training step scales with workers of one core each: all groups of workers live, readings are taken in turn.

The speed of cores on a shared machine changes within seconds by more than an exchange of gradients costs.  Groups are
therefore started once and asked in turn: an efficiency compares readings that are seconds apart, not minutes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from calosim_tf.benchmark.clocks import spread
from calosim_tf.benchmark.worker_group import WorkerGroup
from calosim_tf.progress import progress

WAYS = ("real_input", "constant_input", "no_exchange")


def bench_scaling(
    name: str, settings: Mapping[str, str], batch: int, workers: Sequence[int], engine: str, rounds: int, steps: int
) -> list[dict[str, Any]]:
    """Seconds per iteration for each number of workers, at a fixed batch per worker and at a fixed global batch.

    Parameters
    ----------
    name : str
        Experiment, not a split, on its default data.
    settings : mapping
        Dotted keys that are changed.
    batch : int
        The global batch that is kept, and the batch per worker that is.
    workers : sequence of int
        The first is what efficiencies refer to.
    engine : {'mirrored', 'multiworker', 'horovod'}
    rounds : int
        Readings of each way of each configuration, in turn.
    steps : int
        Iterations per reading.

    Returns
    -------
    list of dict
        Per configuration: ``fixed`` (``per_worker`` or ``global``), ``workers``, ``global_batch``, medians over the
        rounds of ``seconds_per_iteration``, ``input_share`` and ``reduction_share`` with their smallest and largest
        values, and ``efficiency``: showers per second and worker over those of the first number of workers.

    Raises
    ------
    BenchmarkError
        A worker failed; the message ends with its last output.

    Notes
    -----
    Groups that are not asked wait.  One worker takes every core in turn, another one in each round: cores of a shared
    machine are not equally fast at a time, and several workers wait for the slowest.
    """
    batches = {
        **{("per_worker", number): batch * number for number in workers},
        **{("global", number): batch for number in workers},
    }
    # one worker is the same in both
    configurations = list(dict.fromkeys((number, rows) for (_, number), rows in batches.items()))
    readings: dict[tuple[int, int], list[dict[str, float]]] = {item: [] for item in configurations}
    with contextlib.ExitStack() as stack:
        groups = {
            (number, rows): stack.enter_context(
                WorkerGroup(
                    engine if number > 1 else "none",
                    number,
                    [name, json.dumps({**settings, "training.batch_size": str(rows)}), str(steps)],
                )
            )
            for number, rows in progress(configurations, len(configurations), "starting workers")
        }
        for turn in progress(range(rounds), rounds, "scaling"):
            seconds: dict[tuple[int, int], dict[str, float]] = {item: {} for item in configurations}
            for way in WAYS:
                for configuration, group in groups.items():
                    seconds[configuration][way] = group.seconds(way, first_core=turn % (max(workers) - group.cores + 1))
            for configuration, found in seconds.items():
                readings[configuration].append(found)
    return [
        {
            "fixed": fixed,
            "workers": number,
            "global_batch": rows,
            **_shares(readings[number, rows]),
            "efficiency": spread(
                [
                    (rows / number / here["real_input"]) / (first_rows / workers[0] / there["real_input"])
                    for here, there in zip(readings[number, rows], readings[workers[0], first_rows], strict=True)
                ]
            ),
        }
        for (fixed, number), rows in batches.items()
        for first_rows in [batches[fixed, workers[0]]]
    ]


def _shares(readings: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {
        "seconds_per_iteration": spread([item["real_input"] for item in readings]),
        "input_share": spread([1.0 - item["constant_input"] / item["real_input"] for item in readings]),
        "reduction_share": spread([1.0 - item["no_exchange"] / item["constant_input"] for item in readings]),
    }
