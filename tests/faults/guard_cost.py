"""What the guard costs: iterations of ``photon`` with and without it, in turn within one process.

``python tests/faults/guard_cost.py [--rounds N] [--experiment NAME]``
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import tensorflow as tf

from calosim_tf.data.batches.pipeline import training_batches, training_conditions
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.source import load_source
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.build import build_model
from calosim_tf.training.guard import Guard
from calosim_tf.training.normalisation import fit_normalisation


class NoGuard(Guard):
    """Looks at nothing."""

    def begin(self, networks):
        return

    def check(self, terms, gradients, variables):
        return

    def end(self, data):
        return


def traced_step(experiment, source, guard):
    """A traced step on one batch; reads what ``fit`` would hand to its callbacks."""
    normalisation = fit_normalisation(experiment, source)
    model = build_model(experiment, training_conditions(source, normalisation), normalisation)
    model.guard = guard
    batch = next(
        iter(training_batches(source, normalisation, experiment.run.seed, experiment.training.showers_per_iteration, 0))
    )
    step = tf.function(model.train_step)

    def seconds() -> tuple[float, float]:
        start = time.perf_counter(), time.process_time()
        for value in step(batch).values():
            value.numpy()
        model.guard.first_fault()
        return time.perf_counter() - start[0], time.process_time() - start[1]

    return seconds


def line(name: str, guarded: list[float], bare: list[float]) -> str:
    """Medians of both, their ratio, and the quartiles of the ratios of single rounds."""
    first, _, third = statistics.quantiles([a / b for a, b in zip(guarded, bare, strict=True)], n=4)
    with_guard, without = statistics.median(guarded), statistics.median(bare)
    return (
        f"{name}: {with_guard:.4f} s guarded, {without:.4f} s bare, ratio {with_guard / without:.4f} "
        f"(rounds: quartiles {first:.4f} to {third:.4f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--experiment", default="photon")
    args = parser.parse_args()
    experiment = get_experiment(args.experiment)
    layout = experiment.data.layout
    source = load_source([Path(bundled_sample(layout))], get_detector(layout))
    ways = {"guarded": traced_step(experiment, source, Guard()), "bare": traced_step(experiment, source, NoGuard())}
    for way in ways.values():
        for _ in range(3):
            way()
    readings = {name: [] for name in ways}
    for number in range(args.rounds):
        # each goes first in every other round
        for name in list(ways)[:: 1 if number % 2 else -1]:
            readings[name].append(ways[name]())
    guarded, bare = readings["guarded"], readings["bare"]
    print(f"{experiment.name}, {args.rounds} rounds in turn")
    for index, name in enumerate(("wall clock per iteration", "processor time per iteration")):
        print(line(name, [pair[index] for pair in guarded], [pair[index] for pair in bare]))


if __name__ == "__main__":
    main()
