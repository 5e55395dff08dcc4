"""CaloChallenge, data set 1: final results of the GANs rebuilt here (github.com/CaloChallenge/homepage, final_results).

Times are milliseconds per shower of a whole job, on hardware that the tables do not name.
"""

from __future__ import annotations

from calosim_tf.experiments import get_experiment
from calosim_tf.reproduction.numbers import (
    NOT_COMPARED,
    OTHER_MACHINE,
    PUBLIC_DATA,
    Count,
    Measured,
    PublishedNumber,
)

PLACE = "CaloChallenge, final results of data set 1"
# Submission, experiment here, parameters in training and generation, then FPD x 1000, KPD x 1000, AUC of voxels and of
# features, then ms per shower on a CPU at batch 1, 100 and 10 000
SUBMISSIONS = (
    (
        ("CaloShower2GAN, photons", "photon_2gan", 1_183_606, 367_380),
        (52.097, 0.355, 2.8025, 0.4946, 0.9383, 0.0044, 0.9424, 0.0019),
        (582, 65.62, 1.284),
    ),
    (
        ("CaloShower3GAN, photons", "photon_3gan", 1_696_459, 472_120),
        (20.515, 0.308, 1.1561, 0.2029, 0.9281, 0.0043, 0.9466, 0.0022),
        (480, 55.54, 1.197),
    ),
    (
        ("CaloShowerGAN, pions", "pion_layernorm", 1_715_742, 880_541),
        (113.227, 0.667, 3.0518, 0.1067, 0.8889, 0.0019, 0.9217, 0.0013),
        (1163, 70.7, 1.604),
    ),
    (
        ("BoloGAN, photons", "fastcalogan_v2_photon", 1_185_520, 368_558),
        (142.442, 1.327, 11.6268, 1.1852, 0.9265, 0.0033, 0.9662, 0.0006),
        (105.5, 1.728, 0.5529),
    ),
    (
        ("BoloGAN, pions", "fastcalogan_v2_pion", 1_678_334, 848_733),
        (498.689, 2.950, 25.2457, 0.9748, 0.9126, 0.0018, 0.9689, 0.0008),
        (79.55, 1.381, 0.4926),
    ),
)
SCORES = (
    ("FPD x 1000", "fpd"),
    ("KPD x 1000", "kpd"),
    ("AUC, voxels", "auc_low_level"),
    ("AUC, features", "auc_high_level"),
)
BATCHES = (1, 100, 10_000)
NO_TRAINING = "a run of the published length on the public files: `calosim data fetch`, `calosim train {} --data ...`"


def _rows(submission, scores, times) -> tuple[PublishedNumber, ...]:
    name, experiment, training, generation = submission
    species = "pions" if name.endswith("pions") else "photons"
    reason = NO_TRAINING.format(experiment)
    found = [
        PublishedNumber(
            f"{name}: parameters in generation",
            f"{generation:,}",
            PLACE,
            Count(experiment, _generators(experiment), generation),
        ),
        PublishedNumber(
            f"{name}: parameters in training", f"{training:,}", PLACE, Count(experiment, "all networks", training)
        ),
    ]
    for (what, metric), value, error in zip(SCORES, scores[::2], scores[1::2], strict=True):
        found.append(
            PublishedNumber(
                f"{name}: {what}",
                f"{value:g} ± {error:g}",
                PLACE,
                Measured((f"{experiment}:{metric}",), PUBLIC_DATA, reason),
                f"{metric} of {species}",
                value,
            )
        )
    for batch, milliseconds in zip(BATCHES, times, strict=True):
        found.append(
            PublishedNumber(
                f"{name}: ms per shower, CPU, batch {batch}", f"{milliseconds:g}", PLACE,
                Measured(
                    (f"{experiment}:job_ms_per_shower_batch_{batch}",), NOT_COMPARED,
                    f"the machine is not named; `calosim bench generate {experiment}` times a job here", OTHER_MACHINE,
                ),
            )
        )  # fmt: skip
    return tuple(found)


def _generators(experiment: str) -> str:
    """Which count the tables of the challenge have: of all generators in a split."""
    return "all generators" if get_experiment(experiment).members else "generator in all"


NUMBERS = tuple(number for submission in SUBMISSIONS for number in _rows(*submission))
