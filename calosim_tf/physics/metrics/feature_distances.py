"""Metrics of whole showers at once: FPD, KPD, Gaussian MMD, precision, recall, density, coverage."""

from __future__ import annotations

import numpy as np

from calosim_tf.physics.distances.density_coverage import N_NEIGHBOURS, DensityCoverage, density_coverage
from calosim_tf.physics.distances.frechet import LEAST_SHOWERS, fpd, frechet_distance, resampled_moments
from calosim_tf.physics.distances.kernel_distance import BATCH_SHOWERS, gaussian_mmd2, kpd
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import THRESHOLD, MetricFunction
from calosim_tf.physics.observables.high_level_features import high_level_features, scaled_by_reference
from calosim_tf.physics.observables.sample import Sample

# Showers of each kind, our choice: distances of all pairs grow with the square, and the measures depend on the number
PRDC_SHOWERS, LEAST_PRDC_SHOWERS = 10_000, 100
MMD_SHOWERS, LEAST_MMD_SHOWERS = 4_000, 100
# Our choice: an error of the error of a quarter
FRECHET_DRAWS = 10
# Our choice: half of a batch, so that no shower is drawn more than twice on average
LEAST_KPD_SHOWERS = BATCH_SHOWERS // 2
# Voxels of one sample that are held in single precision: 400 MB
MOST_VOXELS = 100_000_000
# CaloChallenge: an empty voxel counts as a tenth of the threshold
EMPTY_VOXEL_SHARE = 0.1


def features_of_both(comparison: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """High-level features of the reference and the generated showers, computed once."""
    return comparison.shared(
        "high_level_features",
        lambda: tuple(high_level_features(s)[0] for s in (comparison.reference, comparison.generated)),
    )


def log_voxels(sample: Sample, most: int) -> np.ndarray:
    """log10 of the voxel energies in MeV, empty ones at a tenth of the threshold: shape (n, n_voxels), float32.

    Parameters
    ----------
    sample : Sample
    most : int
        At most this many showers, evenly over the incident energies, and no more than 10^8 voxels.
    """
    detector = sample.showers.detector
    voxels = sample.at_most(min(most, MOST_VOXELS // detector.n_voxels)).voxels_mev().astype(np.float32, copy=False)
    # in place, as they are copies already and may be many
    voxels[voxels < detector.threshold_mev] = EMPTY_VOXEL_SHARE * detector.threshold_mev
    return np.log10(voxels, out=voxels)


def _fpd(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    found = fpd(*features_of_both(comparison), rng)
    return {"": Measured(found.value, found.error, extra={"fit_error": found.fit_error})}


def _frechet(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    samples = scaled_by_reference(*features_of_both(comparison))
    value = float(frechet_distance(*(part for sample in samples for part in _moments(sample))))
    draws = [resampled_moments(sample, np.full(FRECHET_DRAWS, len(sample)), rng) for sample in samples]
    spread = frechet_distance(*draws[0], *draws[1]).std(ddof=1)
    return {"": Measured(value, float(spread))}


def _moments(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return sample.mean(axis=0), np.cov(sample.T)


def _kpd(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    return {"": Measured(*kpd(*features_of_both(comparison), rng))}


def _mmd(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    samples = (s.at_most(MMD_SHOWERS) for s in (comparison.reference, comparison.generated))
    real, made = (high_level_features(sample)[0] for sample in samples)
    mean, width = real.mean(axis=0), real.std(axis=0)
    width[width == 0] = 1.0
    found = gaussian_mmd2((real - mean) / width, (made - mean) / width)
    return {"": Measured(found.value, found.error, extra={"kernel_width": found.width})}


def _neighbours(comparison: Comparison) -> DensityCoverage:
    samples = (log_voxels(sample, PRDC_SHOWERS) for sample in (comparison.reference, comparison.generated))
    return density_coverage(*samples, dtype=np.float32, overwrite=True)


def _prdc(name: str) -> MetricFunction:
    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        found = comparison.shared("prdc", lambda: _neighbours(comparison))
        return {"": Measured(getattr(found, name), getattr(found, f"{name}_error"))}

    return measured


_PRDC_WORDS = {
    "precision": "Share of the generated showers inside some ball of the reference",
    "recall": "Share of the reference showers inside some ball of the generated ones",
    "density": "Mean number of the reference's balls around a generated shower, over k",
    "coverage": "Share of the reference's balls that hold a generated shower",
}
FEATURES = "the high-level features (30 for photons, 46 for pions)"

FEATURE_DISTANCE_METRICS = (
    Metric(
        "fpd",
        "1",
        _fpd,
        f"Frechet physics distance of {FEATURES} over the reference's largest absolute values, extrapolated in 1/N"
        f" from 10 sizes of {LEAST_SHOWERS} to 50000, 20 draws each; printed times 1000 elsewhere. {THRESHOLD} Error:"
        " that of the fit, and in quadrature the spread of single draws scaled to the number of showers.",
        ideal=0.0,
        scopes=(OVERALL,),
        least=LEAST_SHOWERS,
    ),
    Metric(
        "frechet_distance",
        "1",
        _frechet,
        f"Frechet distance of {FEATURES} over the reference's largest absolute values, as it is at this number of"
        f" showers: larger than FPD, by about as much as that of Monte Carlo. {THRESHOLD} Error: bootstrap over both.",
        ideal=0.0,
        scopes=(OVERALL,),
        least=LEAST_MMD_SHOWERS,
    ),
    Metric(
        "kpd",
        "1",
        _kpd,
        f"Kernel physics distance: unbiased MMD^2 with (x.y/d + 1)^4 on {FEATURES} over the reference's largest"
        f" absolute values, median of 10 draws of {BATCH_SHOWERS}; printed times 1000 elsewhere. {THRESHOLD} Error:"
        " half of the central 68 % of the draws.",
        ideal=0.0,
        scopes=(OVERALL,),
        least=LEAST_KPD_SHOWERS,
        matched=False,
    ),
    Metric(
        "mmd",
        "1",
        _mmd,
        f"Unbiased MMD^2 with a Gaussian kernel, whose width is the median distance of the reference, on {FEATURES} in"
        f" units of the reference's mean and standard deviation; at most {MMD_SHOWERS} showers of each kind."
        f" {THRESHOLD} Error: variance of the U-statistic.",
        ideal=0.0,
        scopes=(OVERALL,),
        least=LEAST_MMD_SHOWERS,
        most=MMD_SHOWERS,
    ),
    *(
        Metric(
            name,
            "1",
            _prdc(name),
            f"{words} (Naeem et al. 2020, k = {N_NEIGHBOURS}), by log10 of the voxel energies, empty ones at a tenth of"
            f" the threshold; depends on the number of showers, at most {PRDC_SHOWERS} of each kind (fewer beyond 10^8"
            f" voxels). {THRESHOLD} Error: standard error of the mean with the other sample held fixed, a lower bound.",
            ideal=1.0,
            scopes=(OVERALL,),
            least=LEAST_PRDC_SHOWERS,
            most=PRDC_SHOWERS,
        )
        for name, words in _PRDC_WORDS.items()
    ),
)
