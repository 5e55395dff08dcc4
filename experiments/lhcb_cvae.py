"""LHCb electromagnetic calorimeter: variational autoencoder, and a GAN that refines its images.

Paper: A. Sergeev et al., "Fast simulation of the LHCb electromagnetic calorimeter response using VAEs and GANs", J.
Phys. Conf. Ser. 1740 (2021); layers and losses from the authors' public code.

* ``lhcb_cvae``: the last of three generations of the autoencoder, on ln(1 + E / MeV).
* ``lhcb_cvae_cgan``: the same decoder, then a convolutional refiner of its images against a critic.
* ``lhcb_cvae_cgan_2020``: the public combination, with the first generation of the autoencoder, on cells in MeV.

docs/papers/lhcb_cvae.md argues every choice that the sources leave open.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import (
    CvaeCganTraining,
    CvaeTraining,
    DataConfig,
    Experiment,
    LhcbCvaeCganNetwork,
    LhcbCvaeNetwork,
    LhcbEarlyCganNetwork,
    Published,
)
from calosim_tf.experiments.quick import smoke_size

PAPER = "Sergeev et al.: LHCb calorimeter using VAEs and GANs, J. Phys. Conf. Ser. 1740 (2021)"

# Authors' code: conditions in GeV and cm, as they are.  A fifth is held out as in the other LHCb experiments, so that
# `calosim compare` can score them on the same showers; the authors hold out a part of 1/11
DATA = DataConfig(layout="lhcb")

LHCB_CVAE = Experiment(
    name="lhcb_cvae",
    paper=PAPER,
    summary="LHCb conditional variational autoencoder",
    network=LhcbCvaeNetwork(),
    data=DATA,
    training=CvaeTraining(checkpoint_every=200, log_every=10),
    published=(
        Published(
            "PRD-AUC, smaller of raw and physics",
            0.875,
            "mean over 10 batches of 1024 held-out showers, 100 clusters, 10 clusterings",
            "authors' notebook",
        ),
    ),
)

LHCB_CVAE_CGAN = Experiment(
    name="lhcb_cvae_cgan",
    paper=PAPER,
    summary="LHCb conditional variational autoencoder with an adversarial refiner of its images",
    network=LhcbCvaeCganNetwork(),
    data=DATA,
    training=CvaeCganTraining(checkpoint_every=200, log_every=10),
)

# The one public combination, to the letter where it can be: noise of 10 and 0.01 MeV is the authors'
LHCB_CVAE_CGAN_2020 = replace(
    LHCB_CVAE_CGAN,
    name="lhcb_cvae_cgan_2020",
    summary="LHCb autoencoder of the first generation with its refiner, on cells in MeV",
    network=LhcbEarlyCganNetwork(refiner_start="random"),
    training=replace(LHCB_CVAE_CGAN.training, penalty_noise=10.0, instance_noise=0.01),
)


def _smoke(experiment: Experiment) -> Experiment:
    training = replace(
        experiment.training,
        cvae_batch_size=128,
        cvae_iterations=80,
        batch_size=32,
        iterations=100,
        checkpoint_every=10,
        log_every=5,
    )
    return smoke_size(experiment, training=training)


EXPERIMENTS = (
    LHCB_CVAE,
    LHCB_CVAE_CGAN,
    LHCB_CVAE_CGAN_2020,
    smoke_size(LHCB_CVAE, training=replace(LHCB_CVAE.training, batch_size=128, iterations=100, checkpoint_every=50)),
    _smoke(LHCB_CVAE_CGAN),
    _smoke(LHCB_CVAE_CGAN_2020),
)
