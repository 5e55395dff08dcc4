"""Metrics that train networks: generated against reference, and features of an incident-energy classifier.

They take minutes, so they run only on request: ``fast`` trains one small network each, ``full`` follows the
CaloChallenge. TensorFlow is imported when a network is trained.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calosim_tf.physics.distances.classifier_scores import Calibration, ClassifierScore, classifier_score
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import THRESHOLD, MetricFunction
from calosim_tf.physics.observables.high_level_features import high_level_features
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.observables.shower_shapes import layer_energies

# Shares of each sample for training, choice of the epoch with calibration, and the final score: those of data set 1
# (80 000, 20 000 and 21 000 of 121 000 photons)
SPLIT = (80, 20, 21)
LEAST_SHOWERS = 1_000
# Voxels of both samples that are held in single precision: 1.6 GB
MOST_VOXELS = 400_000_000
EMPTY_LAYER_MEV = 1e-8


@dataclass(frozen=True)
class ClassifierSettings:
    """How the classifiers are trained.

    Attributes
    ----------
    mode : str
    n_trainings : int
        With other initial weights, order and split of the showers.
    widths, epochs, batch_size, learning_rate
        As :class:`~calosim_tf.physics.distances.classifier.NetworkSettings`.
    """

    mode: str
    n_trainings: int
    widths: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float

    @property
    def words(self) -> str:
        """For a note beside the numbers."""
        layers = " x ".join(map(str, (len(self.widths), self.widths[0])))
        plural = "training" if self.n_trainings == 1 else "trainings"
        return f"{self.mode}: {self.n_trainings} {plural} of {layers} for {self.epochs} epochs"


# CaloChallenge's evaluation (single instead of double precision)
FULL = ClassifierSettings("full", 10, (2048, 2048, 2048), 50, 1000, 2e-4)
# Our choice: a first look in minutes on two cores; a smaller network is less sensitive, so its AUC is a lower bound
FAST = ClassifierSettings("fast", 1, (256, 256, 256), 30, 250, 1e-3)
MODES = {settings.mode: settings for settings in (FULL, FAST)}


def _low_level(sample: Sample) -> np.ndarray:
    """log10 E_inc and voxels over E_inc, shape (n, 1 + n_voxels)."""
    return _with_voxels(sample, [np.log10(sample.incident_mev)], 1.0 / sample.incident_mev)


def _low_level_normed(sample: Sample) -> np.ndarray:
    """log10 E_inc, log10 of the layer energies, voxels over their layer's energy, shape (n, 1 + layers + n_voxels)."""
    energies = np.maximum(layer_energies(sample), 0.0)
    columns = [np.log10(sample.incident_mev), *np.log10(energies.T + EMPTY_LAYER_MEV)]
    sizes = [layer.n_voxels for layer in sample.showers.detector.layers]
    return _with_voxels(sample, columns, np.repeat(1.0 / (energies + EMPTY_LAYER_MEV), sizes, axis=1))


def _with_voxels(sample: Sample, columns: list[np.ndarray], scale: np.ndarray) -> np.ndarray:
    voxels = sample.voxels_mev()
    voxels = np.where(voxels < sample.showers.detector.threshold_mev, 0.0, voxels)
    scaled = voxels * (scale if scale.ndim == 2 else scale[:, None])
    return np.concatenate([np.stack(columns, axis=1), scaled], axis=1, dtype=np.float32)


def _high_level(sample: Sample) -> np.ndarray:
    return high_level_features(sample)[0].astype(np.float32)


INPUTS: dict[str, tuple[Callable[[Sample], np.ndarray], str]] = {
    "low_level": (_low_level, "log10 E_inc and voxels over E_inc"),
    "low_level_normed": (_low_level_normed, "log10 E_inc, log10 layer energies and voxels over their layer's energy"),
    "high_level": (_high_level, "the high-level features (30 for photons, 46 for pions)"),
}


@dataclass(frozen=True)
class ClassifierResult:
    """Scores of all trainings and showers of each kind: trained on, chosen and calibrated by, scored."""

    scores: tuple[ClassifierScore, ...]
    sizes: tuple[int, int, int]


def classify(comparison: Comparison, kind: str, settings: ClassifierSettings) -> ClassifierResult:
    """Train classifiers of generated (0) against reference showers (1).

    Parameters
    ----------
    comparison : Comparison
    kind : str
        Key of ``INPUTS``.
    settings : ClassifierSettings
    """
    most = min(len(comparison.generated), len(comparison.reference))
    most = min(most, MOST_VOXELS // comparison.reference.showers.detector.n_voxels // 2)
    inputs = [INPUTS[kind][0](sample.at_most(most)) for sample in (comparison.generated, comparison.reference)]
    n = min(map(len, inputs))
    sizes = tuple(n * part // sum(SPLIT) for part in SPLIT)
    seeds = [zlib.crc32(f"{kind} {training}".encode()) % 2**16 for training in range(settings.n_trainings)]
    return ClassifierResult(tuple(_train_and_score(inputs, sizes, kind, settings, seed) for seed in seeds), sizes)


def _train_and_score(
    inputs: list[np.ndarray], sizes: tuple[int, ...], kind: str, settings: ClassifierSettings, seed: int
) -> ClassifierScore:
    from calosim_tf.physics.distances.classifier import NetworkSettings, train_network

    rng = np.random.Generator(np.random.Philox(seed))
    ends = np.cumsum(sizes)
    parts = [np.split(rng.permutation(len(sample))[: ends[-1]], ends[:-1]) for sample in inputs]
    train, selection, final = (
        (
            np.concatenate([sample[rows[index]] for sample, rows in zip(inputs, parts, strict=True)]),
            np.repeat([0, 1], sizes[index]),
        )
        for index in range(3)
    )
    network = NetworkSettings(settings.widths, settings.epochs, settings.batch_size, settings.learning_rate)
    trained = train_network(*train, selection, network, seed, f"classifier {kind}")
    calibration = Calibration.fit(_probability(trained.logits(selection[0])), selection[1])
    return classifier_score(calibration(_probability(trained.logits(final[0]))), final[1] == 1)


def _probability(logits: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(logits[:, 0])


def _score_metric(measure: str, kind: str, settings: ClassifierSettings) -> MetricFunction:
    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        found = comparison.shared((kind, settings), lambda: classify(comparison, kind, settings))
        values = np.array([getattr(score, measure) for score in found.scores])
        statistical = float(np.mean([getattr(score, f"{measure}_error") for score in found.scores]))
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        extra: dict[str, Any] = asdict(settings) | {
            "spread": spread,
            "statistical_error": statistical,
            "n_trained": 2 * found.sizes[0],
            "n_scored": 2 * found.sizes[2],
        }
        return {"": Measured(float(values.mean()), max(spread or 0.0, statistical), extra=extra)}

    return measured


_WORDS = {
    "auc": ("Area under the ROC curve", 0.5),
    "jsd": ("Jensen-Shannon divergence, 1 - BCE/ln 2,", 0.0),
}


def classifier_metrics(settings: ClassifierSettings) -> tuple[Metric, ...]:
    """AUC and JSD of classifiers with each kind of input."""
    return tuple(
        Metric(
            f"{measure}_{kind}",
            "1",
            _score_metric(measure, kind, settings),
            f"{words} of classifiers of generated against reference showers on {about}, after isotonic calibration"
            f" ({settings.words}; CaloChallenge: {FULL.words}). {THRESHOLD} Error: spread of the trainings, or the"
            " statistical one if that is larger. MC vs MC has fewer showers, and is not repeated at equal N.",
            ideal=ideal,
            scopes=(OVERALL,),
            least=LEAST_SHOWERS,
            matched=False,
            networks=True,
        )
        for kind, (_, about) in INPUTS.items()
        for measure, (words, ideal) in _WORDS.items()
    )
