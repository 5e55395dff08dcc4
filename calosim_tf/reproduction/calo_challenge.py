"""CaloChallenge, data set 1: final results of the GANs that are rebuilt here.

Scores and parameters in generation are those of :mod:`calosim_tf.physics.papers.published_results`.  Times are
milliseconds per shower of a whole job, on hardware that the challenge's tables do not name.
"""

from __future__ import annotations

import json
from importlib import resources

from calosim_tf.experiments import get_experiment
from calosim_tf.physics.papers.published_results import DATA_FILE
from calosim_tf.reproduction.numbers import (
    NOT_COMPARED,
    OTHER_MACHINE,
    PUBLIC_DATA,
    Count,
    Measured,
    PublishedNumber,
    spaced,
)

PLACE = "CaloChallenge, final results of data set 1"
# Submission, particles, experiment here, parameters in training, ms per shower on a CPU at batch 1, 100 and 10 000
SUBMISSIONS = (
    ("CaloShower2GAN", "photon", "photon_2gan", 1_183_606, (582, 65.62, 1.284)),
    ("CaloShower3GAN", "photon", "photon_3gan", 1_696_459, (480, 55.54, 1.197)),
    ("CaloShowerGAN", "pion", "pion_layernorm", 1_715_742, (1163, 70.7, 1.604)),
    ("BoloGAN", "photon", "fastcalogan_v2_photon", 1_185_520, (105.5, 1.728, 0.5529)),
    ("BoloGAN", "pion", "fastcalogan_v2_pion", 1_678_334, (79.55, 1.381, 0.4926)),
)
BATCHES = (1, 100, 10_000)
NO_TRAINING = "a run of the published length on the public files: `calosim data fetch`, `calosim train {} --data ...`"
NO_MACHINE = "the machine is not named; `calosim bench generate {}` times a job here"


def _published(name: str, particles: str) -> dict:
    text = (resources.files("calosim_tf.physics.papers") / DATA_FILE).read_text(encoding="utf-8")
    return next(row for row in json.loads(text)["detectors"][particles] if row["name"] == name)


def _rows(name: str, particles: str, experiment: str, training: int, times: tuple[float, ...]):
    row = _published(name, particles)
    title = f"{name}, {particles}s"
    which = "all generators" if get_experiment(experiment).members else "generator in all"
    counts = (
        ("generation", row["parameters"], Count(experiment, which, row["parameters"])),
        ("training", training, Count(experiment, "all networks", training)),
    )
    for what, number, count in counts:
        yield PublishedNumber(f"{title}: parameters in {what}", spaced(number), PLACE, count)
    for metric, number in row["metrics"].items():
        printed = f"{number['value']:g}" + (f" ± {number['error']:.2g}" if number.get("error") else "")
        ours = Measured((f"{experiment}:{metric}",), PUBLIC_DATA, NO_TRAINING.format(experiment))
        yield PublishedNumber(f"{title}: {metric}", printed, PLACE, ours, f"{metric} of {particles}s", number["value"])
    for batch, milliseconds in zip(BATCHES, times, strict=True):
        ours = Measured(
            (f"{experiment}:job_ms_per_shower_batch_{batch}",),
            NOT_COMPARED,
            NO_MACHINE.format(experiment),
            OTHER_MACHINE,
        )
        yield PublishedNumber(f"{title}: ms per shower, CPU, batch {batch}", f"{milliseconds:g}", PLACE, ours)


NUMBERS = tuple(number for submission in SUBMISSIONS for number in _rows(*submission))
