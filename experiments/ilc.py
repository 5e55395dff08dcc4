"""Photons in the electromagnetic calorimeter of the ILD: BIB-AE, WGAN and GAN.

Paper: E. Buhmann et al., "Getting High: High Fidelity Simulation of High Granularity Calorimeters with High Speed",
Comput. Softw. Big Sci. 5 (2021) 13, arXiv:2005.05334; layers and losses from the authors' public code.

* ``bib_ae_photon``: the autoencoder with its critics, then the post-processor.
* ``ilc_gan_photon``: the original GAN, first baseline.
* ``ilc_wgan_photon``: Wasserstein GAN whose generator also has to meet the energy that a third network measures.

docs/papers/bib_ae.md argues every choice that the sources leave open.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import (
    BibAeNetwork,
    BibAeTraining,
    DataConfig,
    Experiment,
    IlcGanNetwork,
    IlcGanTraining,
    IlcWganNetwork,
    IlcWganTraining,
)
from calosim_tf.experiments.quick import smoke_size

PAPER = "Buhmann et al.: Getting High, Comput. Softw. Big Sci. 5 (2021) 13, arXiv:2005.05334"

# 5 % are held out in the BIB-AE's code, nothing in the others'; one part for all, so that `calosim compare` has it
DATA = DataConfig(layout="ilc", holdout_fraction=0.05)

BIB_AE_PHOTON = Experiment(
    name="bib_ae_photon",
    paper=PAPER,
    summary="Photons in the ILD's calorimeter: BIB-AE with its post-processor",
    network=BibAeNetwork(),
    data=DATA,
    training=BibAeTraining(checkpoint_every=5_000, log_every=10),
)

ILC_WGAN_PHOTON = Experiment(
    name="ilc_wgan_photon",
    paper=PAPER,
    summary="Photons in the ILD's calorimeter: WGAN with a network that measures the energy",
    network=IlcWganNetwork(),
    data=DATA,
    training=IlcWganTraining(checkpoint_every=1_000, log_every=10),
)

ILC_GAN_PHOTON = Experiment(
    name="ilc_gan_photon",
    paper=PAPER,
    summary="Photons in the ILD's calorimeter: original GAN",
    network=IlcGanNetwork(),
    data=DATA,
    training=IlcGanTraining(checkpoint_every=1_000, log_every=10),
)

# narrow networks: the released ones need seconds for each iteration on two cores
SMOKE_DATA = replace(DATA, holdout_fraction=0.1)
SHORTER = {"iterations": 40, "checkpoint_every": 10, "log_every": 5}
SHORT = {"iterations": 60, "checkpoint_every": 20, "log_every": 5}

NARROW_BIB_AE = replace(
    BIB_AE_PHOTON.network,
    latent=replace(BIB_AE_PHOTON.network.latent, size=64),
    encoder_filters=(2, 4, 4, 8),
    encoder_units=(64, 32),
    decoder_units=(32, 64),
    decoder_seed_channels=2,
    decoder_filters=(4, 4, 4, 4, 4, 4),
    critic_filters=8,
    critic_branch_units=16,
    critic_units=(32, 32),
    post_units=(16,),
    post_filters=8,
)

EXPERIMENTS = (
    BIB_AE_PHOTON,
    ILC_WGAN_PHOTON,
    ILC_GAN_PHOTON,
    smoke_size(
        BIB_AE_PHOTON,
        network=NARROW_BIB_AE,
        data=SMOKE_DATA,
        training=replace(
            BIB_AE_PHOTON.training,
            batch_size=4,
            critic_steps=2,
            autoencoder_iterations=20,
            identity_iterations=10,
            **SHORTER,
        ),
    ),
    smoke_size(
        ILC_WGAN_PHOTON,
        network=replace(
            ILC_WGAN_PHOTON.network,
            generator_filters=(16, 16, 8, 8),
            critic_filters=(8, 8, 16),
            constrainer_filters=(8, 8, 8),
        ),
        data=SMOKE_DATA,
        training=replace(
            ILC_WGAN_PHOTON.training,
            batch_size=8,
            learning_rate_generator=1e-3,
            learning_rate_critic=1e-4,
            **SHORT,
        ),
    ),
    smoke_size(
        ILC_GAN_PHOTON,
        network=replace(ILC_GAN_PHOTON.network, generator_filters=(32, 16, 8, 8), critic_filters=(8, 16, 16, 32, 32)),
        data=SMOKE_DATA,
        training=replace(
            ILC_GAN_PHOTON.training,
            batch_size=16,
            learning_rate_generator=1e-3,
            learning_rate_critic=1e-3,
            **SHORT,
        ),
    ),
)
