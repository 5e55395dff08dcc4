"""What the guard costs: iterations of ``photon`` with and without it, in turn within one process.

``python tests/faults/guard_cost.py [--rounds N] [--experiment NAME]``
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import tensorflow as tf

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.pipeline import training_batches, training_conditions
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

    def seconds() -> float:
        start = time.perf_counter()
        for value in step(batch).values():
            value.numpy()
        model.guard.first_fault()
        return time.perf_counter() - start

    return seconds


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
    ratios = sorted(a / b for a, b in zip(readings["guarded"], readings["bare"], strict=True))
    middle = {name: statistics.median(values) for name, values in readings.items()}
    low, high = ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]
    print(
        f"{experiment.name}, {args.rounds} rounds: guarded {middle['guarded']:.4f} s, bare {middle['bare']:.4f} s per "
        f"iteration; ratio of the medians {middle['guarded'] / middle['bare']:.4f}, ratio of a round: median "
        f"{statistics.median(ratios):.4f}, quartiles {low:.4f} to {high:.4f}; fastest "
        f"{min(readings['guarded']) / min(readings['bare']):.4f}"
    )


if __name__ == "__main__":
    main()
