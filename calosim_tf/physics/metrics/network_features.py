"""FID and an inception-style score on a network that classifies the incident energy of a shower from its voxels.

It stands in for the Inception network of images.  It is trained on a fifth of the reference, whose showers are then
left out everywhere, to name the incident energy (or the range of energies).  FID compares its last hidden layer; the
score is exp of the mean of KL(p(y|x) || p(y)): high for showers that look of one energy each and of all energies
together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from calosim_tf.data.schema import holdout_rows
from calosim_tf.physics.distances.frechet import frechet_distance, resampled_moments
from calosim_tf.physics.distances.histograms import times_drawn
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.feature_distances import log_voxels
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import MetricFunction, ratio_with_error
from calosim_tf.physics.observables.sample import Sample

# Our choices
TRAINING_SHARE, MOST_TRAINING = 0.2, 6_000
WIDTHS, EPOCHS, BATCH_SIZE, LEARNING_RATE = (256, 256, 64), 30, 100, 1e-3
SEED = 7
# Showers of each kind that are shown to the network
MOST_SHOWERS = 10_000
LEAST_SHOWERS = 1_000
ONE_ENERGY = "the reference has a single incident energy: there are no classes to tell"
FID_DRAWS = 20


@dataclass(frozen=True, eq=False)
class EnergyNetwork:
    """The trained network and the rows of its set that it was trained on."""

    trained: Any
    rows: np.ndarray

    def shown(self, sample: Sample, same_set: bool) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, 64) and class probabilities (n, classes) of a sample, without showers that were trained on."""
        from scipy.special import softmax

        if same_set:
            sample = sample.take(np.flatnonzero(~np.isin(sample.rows, self.rows)))
        inputs = _inputs(sample, MOST_SHOWERS)
        logits = self.trained.logits(inputs)
        if logits.shape[1] == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        return self.trained.features(inputs), softmax(logits, axis=1)


def _inputs(sample: Sample, most: int) -> np.ndarray:
    """Decades above an empty voxel, over 3: numbers of order one."""
    detector = sample.showers.detector
    return (log_voxels(sample, most) - np.float32(math.log10(0.1 * detector.threshold_mev))) / np.float32(3.0)


def _train(reference: Sample) -> EnergyNetwork:
    from calosim_tf.physics.distances.classifier import NetworkSettings, train_network

    # of the whole set, whichever part of it is being compared: every comparison then has the same features
    whole = Sample(reference.showers, reference.features, reference.groups, np.arange(len(reference.showers)))
    chosen = whole.take(np.flatnonzero(holdout_rows(whole.incident_mev, TRAINING_SHARE))).at_most(MOST_TRAINING)
    inputs = _inputs(chosen, MOST_TRAINING)
    chosen = chosen.at_most(len(inputs))
    labels = chosen.groups.index(chosen.incident_mev).astype(np.int64)
    check = holdout_rows(chosen.incident_mev, 0.2)
    settings = NetworkSettings(WIDTHS, EPOCHS, BATCH_SIZE, LEARNING_RATE)
    selection = (inputs[check], labels[check])
    trained = train_network(inputs[~check], labels[~check], selection, settings, SEED, "energy network")
    return EnergyNetwork(trained, chosen.rows)


def _shown(comparison: Comparison) -> list[tuple[np.ndarray, np.ndarray]]:
    """Features and probabilities of the generated and the reference showers."""
    whole = comparison.reference.whole
    if "energy_network" not in whole:
        whole["energy_network"] = _train(comparison.reference)
    samples = (comparison.generated, comparison.reference)
    return [whole["energy_network"].shown(sample, sample.whole is whole) for sample in samples]


def _measured(function: Callable[[list, np.random.Generator], Measured]) -> MetricFunction:
    def measured(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
        if len(comparison.reference.groups) < 2:
            return {"": Measured.missing(ONE_ENERGY)}
        return {"": function(comparison.shared("energy_network", lambda: _shown(comparison)), rng)}

    return measured


def _fid(shown: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator) -> Measured:
    features = [features for features, _ in shown]
    value = frechet_distance(*(part for sample in features for part in (sample.mean(axis=0), np.cov(sample.T))))
    draws = [resampled_moments(sample, np.full(FID_DRAWS, len(sample)), rng) for sample in features]
    return Measured(float(value), float(np.std(frechet_distance(*draws[0], *draws[1]))))


def inception_score(probabilities: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """exp of the mean KL(p(y|x) || p(y)), and its bootstrap error.

    Parameters
    ----------
    probabilities : ndarray, shape (n, classes)
        Rows that sum to 1.
    rng : numpy.random.Generator
    """
    n = len(probabilities)
    entropy = _entropy(probabilities)
    times = times_drawn(n, rng) / n
    drawn = np.exp(_entropy(times @ probabilities) - times @ entropy)
    return float(np.exp(_entropy(probabilities.mean(axis=0)) - entropy.mean())), float(drawn.std())


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    return -xlogy(probabilities, probabilities).sum(axis=-1)


def _score(shown: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator) -> Measured:
    made, real = (inception_score(probabilities, rng) for _, probabilities in shown)
    return Measured(*made, reference_value=real[0])


def _score_ratio(shown: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator) -> Measured:
    return ratio_with_error(*(number for _, p in shown for number in inception_score(p, rng)))


_NETWORK = (
    "a network trained on a fifth of the reference (left out of the comparison) to name the incident energy from log10"
    f" of the voxel energies; at most {MOST_SHOWERS} showers"
)

NETWORK_FEATURE_METRICS = tuple(
    Metric(
        name,
        "1",
        _measured(function),
        about,
        ideal,
        scopes=(OVERALL,),
        least=LEAST_SHOWERS,
        most=MOST_SHOWERS,
        networks=True,
    )
    for name, function, about, ideal in (
        (
            "fid",
            _fid,
            f"Frechet distance of Gaussians fitted to the last hidden layer (64 values) of {_NETWORK}. Falls with the"
            " number of showers. Error: bootstrap, 20 resamples, which lie above the value itself.",
            0.0,
        ),
        (
            "inception_score",
            _score,
            f"exp of the mean of KL(p(y|x) || p(y)) of {_NETWORK}. Error: bootstrap over showers.",
            None,
        ),
        (
            "inception_score_ratio",
            _score_ratio,
            f"Inception-style score, generated over reference, of {_NETWORK}. Error: bootstrap over showers.",
            1.0,
        ),
    )
)
