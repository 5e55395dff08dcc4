"""An external check: networks trained on generated showers have to work on Monte Carlo, and vice versa.

Particle classifier and energy regressor are trained on Monte-Carlo photons (or electrons) and pions, and on generated
photons and the same pions; both are tested on both.  Pions are never generated here: they come from the parametrised
simulator, in the voxels of the detector.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.physics.observables.energies import group_energies
from calosim_tf.progress import progress

EPOCHS, TRAININGS = 30, 3
RESAMPLES = 200
MONTE_CARLO, GENERATED = "MC", "GAN"
_STREAM_WORD = 0x3F0


@dataclass(frozen=True, eq=False)
class Showers:
    """Photons or electrons, and pions, to train or to test with."""

    photons: ShowerSet
    pions: ShowerSet


def triforce_study(
    training: Mapping[str, Showers],
    test: Mapping[str, Showers],
    *,
    epochs: int = EPOCHS,
    trainings: int = TRAININGS,
    seed: int = 0,
) -> dict[str, Any]:
    """The 2 x 2 grid: trained on Monte Carlo or generated showers, tested on Monte Carlo or generated showers.

    Parameters
    ----------
    training, test : mapping of str to Showers
        Keys ``MC`` and ``GAN``; the pions of both are the same.
    epochs, trainings : int
        Passes over the showers, and networks trained with different seeds: their spread is part of the errors.
    seed : int

    Returns
    -------
    dict
        The content of ``study.json``; see ``docs/validation.md``.
    """
    from calosim_tf.studies.triforce_network import TriforceNetwork

    detector = training[MONTE_CARLO].photons.detector
    particle = detector.particle
    jobs = [(name, number) for name in training for number in range(trainings)]
    found: dict[str, dict[str, list[dict]]] = {name: {other: [] for other in test} for name in training}
    for name, number in progress(jobs, len(jobs), "training classifiers"):
        network = TriforceNetwork(detector, epochs, seed + number)
        network.fit(*_joined(training[name]))
        for other, showers in test.items():
            found[name][other].append(_judged(network, showers, particle))
    return {
        "schema": 1,
        "study": "triforce",
        "detector": detector.name,
        "particles": [particle, "pi+"],
        "samples": {
            name: {
                "train": f"{training[name].photons.source}, {len(training[name].photons)} showers",
                "test": f"{test[name].photons.source}, {len(test[name].photons)} showers",
            }
            for name in training
        },
        "pions": f"{training[MONTE_CARLO].pions.source}: {len(training[MONTE_CARLO].pions)} to train,"
        f" {len(test[MONTE_CARLO].pions)} to test",
        "epochs": epochs,
        "trainings": trainings,
        "seed": seed,
        "grid": {
            f"trained on {name}, tested on {other}": _averaged(runs, particle, len(test[other].photons))
            for name, row in found.items()
            for other, runs in row.items()
        },
    }


def _joined(showers: Showers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts = (showers.photons, showers.pions)
    return (
        np.concatenate([part.showers_mev for part in parts]),
        np.concatenate([part.incident_energy_mev for part in parts]),
        np.repeat([False, True], [len(part) for part in parts]),
    )


def _judged(network, showers: Showers, particle: str) -> dict[str, Any]:
    """One network on one test sample: shares recognised, and the relative error of the photons' energies."""
    is_photon = network.predict(showers.photons.showers_mev)
    is_pion = network.predict(showers.pions.showers_mev)
    incident = showers.photons.incident_energy_mev
    groups = group_energies(incident)
    relative = is_photon[1] / incident - 1
    energies = [
        {"energy_gev": float(energy) / 1000, "n": len(rows), **_bias_and_resolution(relative[rows])}
        for energy, rows in zip(groups.energy_mev, groups.rows(incident), strict=True)
    ]
    return {
        "accuracy": {particle: float(np.mean(is_photon[0] < 0.5)), "pi+": float(np.mean(is_pion[0] >= 0.5))},
        "n": {particle: len(showers.photons), "pi+": len(showers.pions)},
        "energy": energies,
    }


def _bias_and_resolution(relative: np.ndarray) -> dict[str, float]:
    """Mean and half of the central 68 %, with bootstrap errors."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((_STREAM_WORD, len(relative)))))
    draws = rng.choice(relative, (RESAMPLES, len(relative)))

    def half_width(values: np.ndarray) -> np.ndarray:
        low, high = np.percentile(values, (16, 84), axis=-1)
        return (high - low) / 2

    return {
        "bias": float(relative.mean()),
        "bias_error": float(draws.mean(axis=1).std()),
        "resolution": float(half_width(relative)),
        "resolution_error": float(half_width(draws).std()),
    }


def _averaged(runs: list[dict[str, Any]], particle: str, n_photons: int) -> dict[str, Any]:
    """Mean over trainings; error: that of one test sample, and in quadrature the spread over trainings."""
    accuracy = {}
    for name in (particle, "pi+"):
        values = np.array([run["accuracy"][name] for run in runs])
        count = runs[0]["n"][name]
        # (k + 1)/(n + 2) keeps an error where all were recognised
        likely = (values.mean() * count + 1) / (count + 2)
        accuracy[name] = {
            "value": float(values.mean()),
            "error": math.hypot(math.sqrt(likely * (1 - likely) / count), _spread(values)),
            "n": count,
        }
    energy = []
    for rows in zip(*(run["energy"] for run in runs), strict=True):
        averaged = {"energy_gev": rows[0]["energy_gev"], "n": rows[0]["n"]}
        for key in ("bias", "resolution"):
            values = np.array([row[key] for row in rows])
            averaged[key] = float(values.mean())
            averaged[f"{key}_error"] = math.hypot(
                float(np.mean([row[f"{key}_error"] for row in rows])), _spread(values)
            )
        energy.append(averaged)
    return {"accuracy": accuracy, "energy": energy, "n": n_photons}


def _spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
