"""Checks of the LAGAN paper on a run or a file of jet images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calosim_tf.checks.calogan import Checked, Subject

# Jets of each sample that are measured: a few seconds (our choice; the authors take 200 000)
MOST_JETS = 20_000


def _pairs(subject: Subject) -> dict[str, tuple]:
    from calosim_tf.data.schema import holdout_rows
    from calosim_tf.physics.papers.jet_classes import classes_of

    samples = []
    for showers in (subject.reference, subject.generated):
        if len(showers) > MOST_JETS:
            showers = showers.take(holdout_rows(showers.incident_energy_mev, MOST_JETS / len(showers)))
        samples.append(classes_of(showers))
    return {name: tuple(sample[name] for sample in samples) for name in samples[0]}


def _jets(subject: Subject) -> Checked:
    """Mean images, observables and pixels of each class."""
    from calosim_tf.plots.jets import plot_jet_images, plot_jet_observables, plot_pixel_intensities

    pairs, names = _pairs(subject), (subject.reference.source, subject.generated.source)
    numbers = {
        name: {who: _moments(item) for who, item in zip(("reference", "generated"), pair, strict=True)}
        for name, pair in pairs.items()
    }
    lines = ["mean and width, generated (reference)"]
    for name, found in numbers.items():
        made, real = found["generated"], found["reference"]
        lines.append(f"{name}: {made['n']} ({real['n']}) jets, occupancy {_pair(made, real, 'occupancy')}")
        lines += [f"{name}: {key} {_pair(made[key], real[key], 'mean')}, {_pair(made[key], real[key], 'width')}"
                  for key in made if isinstance(made[key], dict)]  # fmt: skip
    figures = {
        "jet_images": plot_jet_images(pairs, names),
        "jet_observables": plot_jet_observables(pairs, names),
        "pixel_intensities": plot_pixel_intensities(pairs, names),
    }
    return Checked(numbers, lines, figures)


def _moments(jets) -> dict[str, Any]:
    found: dict[str, Any] = {"n": jets.n, "occupancy": jets.occupancy}
    for name, values in jets.observables.items():
        found[name] = {"mean": _or_nan(np.mean, values), "width": _or_nan(np.std, values)}
    return found


def _or_nan(function: Callable[[np.ndarray], float], values: np.ndarray) -> float:
    return float(function(values)) if len(values) else float("nan")


def _pair(made: dict, real: dict, key: str) -> str:
    return f"{made[key]:.4g} ({real[key]:.4g})"


JET_CHECKS: dict[str, Callable[[Subject], Checked]] = {"jets": _jets}
