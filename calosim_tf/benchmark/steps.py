"""One training step of several networks, or in several precisions: seconds and peak memory, processes in turn.

A separate process per network and round, because memory that one network has used stays with the process, and because a
shared machine drifts: ratios are taken within a round.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from calosim_tf.benchmark.clocks import ratio_spread, spread
from calosim_tf.progress import progress


def bench_steps(
    names: Sequence[str], rounds: int, threads: int, precisions: Sequence[str | None] = (None,)
) -> list[dict[str, Any]]:
    """Seconds per bare training step and peak memory of each experiment, with ratios to the first.

    Parameters
    ----------
    names : sequence of str
        Experiments that are not splits, on their default data and their own batch size.
    rounds : int
        Processes per experiment, all experiments in turn.
    threads : int
        0 for TensorFlow's choice.
    precisions : sequence of str or None
        Values of ``training.precision`` that each is timed with; None is its own.

    Returns
    -------
    list of dict
        Per experiment and precision: batch size, seconds (median, minimum, maximum), peak memory of the process
        in MiB, of which ``memory_before_mib`` was there before the first step, threads, and ``over_first``.
    """
    ways = [(name, precision) for name in names for precision in precisions]
    turns = [way for _ in range(rounds) for way in ways]
    readings: dict[tuple[str, str | None], list[dict[str, Any]]] = {way: [] for way in ways}
    for way in progress(turns, len(turns), "training steps"):
        readings[way].append(_in_own_process(*way, threads))

    seconds = {way: [item["seconds"] for item in items] for way, items in readings.items()}
    return [
        {
            "experiment": way[0],
            **{key: items[0][key] for key in ("precision", "batch_size", "threads")},
            "seconds_per_step": spread(seconds[way]),
            "over_first": ratio_spread(seconds[way], seconds[ways[0]]),
            "peak_memory_mib": round(max(item["peak_memory_mib"] for item in items)),
            "memory_before_mib": round(max(item["memory_before_mib"] for item in items)),
        }
        for way, items in readings.items()
    ]


def _in_own_process(name: str, precision: str | None, threads: int) -> dict[str, Any]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_one_step, name, precision, threads).result()


def _one_step(name: str, precision: str | None, threads: int) -> dict[str, Any]:
    """Seconds of the second step (the first one is traced) and memory, in this process."""
    import tensorflow as tf

    from calosim_tf.benchmark.training_step import model_and_batches, time_bare
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.experiments import get_experiment
    from calosim_tf.training.strategies.devices import set_threads, threads_in_use

    set_threads(threads)
    experiment = get_experiment(name)
    if precision is not None:
        experiment = experiment.with_values({"training.precision": precision})
    model, batches = model_and_batches(experiment, source_of(experiment.data))
    batch = next(iter(batches))
    before = _peak_memory_mib()
    return {
        "seconds": time_bare(tf.function(model.train_step), batch, steps=1, warm_up=1),
        "precision": experiment.training.precision,
        "batch_size": experiment.training.batch_size,
        "threads": threads_in_use(),
        "memory_before_mib": before,
        "peak_memory_mib": _peak_memory_mib(),
    }


def _peak_memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
