"""LHCb electromagnetic calorimeter: self-attention GAN and the WGAN it starts from.

Paper: F. Ratnikov and A. Rogachev, "Fast simulation of the electromagnetic calorimeter response using Self-Attention
Generative Adversarial Networks", EPJ Web Conf. 251, 03043 (2021).

* ``lhcb_wgan``: the baseline, convolutions and Wasserstein loss with gradient penalty.
* ``lhcb_sagan``: self-attention and hinge loss without spectral normalisation (the paper: results too bad to report).
* ``lhcb_sagan_sn_d``, ``lhcb_sagan_sn_gd``: spectral normalisation in the critic, in both networks (the paper's best).

The paper leaves open where its two attention blocks stand: one in each network after the second stage
(``network.attention = one_each``), or two in each (``two_each``).  docs/papers/lhcb_sagan.md argues every choice.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import (
    DataConfig,
    Experiment,
    HingeTraining,
    LhcbGanNetwork,
    Published,
    TrainingConfig,
    WganGpTraining,
)
from calosim_tf.experiments.quick import smoke_size

PAPER = "F. Ratnikov, A. Rogachev: Self-attention GAN for the LHCb calorimeter, EPJ Web Conf. 251, 03043 (2021)"

# Standardised conditions are our choice for all four alike: the released generators take GeV and cm as they are, the
# group's attention networks standardise, and next to 256 features of a normalised critic 24 GeV would swamp the rest
DATA = DataConfig(layout="lhcb", standardize_conditions=True)

SMOKE_ITERATIONS = 150

# Paper: batch, critic steps and learning rates; the rest in the class
HINGE = HingeTraining(checkpoint_every=500, log_every=10)

# Authors' code of the baseline; the penalty between real and generated showers per shower, with the weight of the
# paper that introduced it, replaces a norm taken per pixel with weight 0.1
WGAN = WganGpTraining(
    batch_size=512,
    critic_steps=3,
    reuse_minibatch=True,
    iterations=HINGE.iterations,
    checkpoint_every=500,
    log_every=10,
    penalty_weight=10.0,
    learning_rate_generator=1e-4,
    learning_rate_critic=4e-4,
    beta1_generator=0.0,
    beta1_critic=0.0,
    epsilon=1e-8,
)

NETWORK = LhcbGanNetwork()
SAGAN = LhcbGanNetwork(attention="one_each")


def _published(physics: float, raw: float) -> tuple[Published, ...]:
    table = "Table 1; Geant4 test set, number of showers and of clusters not stated"
    return (
        Published("PRD-AUC, physics statistics", physics, table, "paper"),
        Published("PRD-AUC, raw cells", raw, table, "paper"),
    )


LHCB_WGAN = Experiment(
    name="lhcb_wgan",
    paper=PAPER,
    summary="LHCb baseline: convolutional WGAN with gradient penalty",
    network=NETWORK,
    data=DATA,
    training=WGAN,
    published=_published(0.936, 0.971),
)

LHCB_SAGAN = Experiment(
    name="lhcb_sagan",
    paper=PAPER,
    summary="LHCb self-attention GAN without spectral normalisation (reported as failing)",
    network=SAGAN,
    data=DATA,
    training=HINGE,
)

LHCB_SAGAN_SN_D = replace(
    LHCB_SAGAN,
    name="lhcb_sagan_sn_d",
    summary="LHCb self-attention GAN, spectral normalisation in the critic",
    network=replace(SAGAN, spectral_norm_critic=True),
    published=_published(0.895, 0.901),
)

LHCB_SAGAN_SN_GD = replace(
    LHCB_SAGAN,
    name="lhcb_sagan_sn_gd",
    summary="LHCb self-attention GAN, spectral normalisation in generator and critic (the paper's best)",
    network=replace(SAGAN, spectral_norm_generator=True, spectral_norm_critic=True),
    published=_published(0.948, 0.975),
)


def _smoke(experiment: Experiment) -> Experiment:
    training: TrainingConfig = replace(
        experiment.training, batch_size=128, iterations=SMOKE_ITERATIONS, checkpoint_every=SMOKE_ITERATIONS // 3
    )
    return smoke_size(experiment, training=training)


FAMILY = (LHCB_WGAN, LHCB_SAGAN, LHCB_SAGAN_SN_D, LHCB_SAGAN_SN_GD)
EXPERIMENTS = (*FAMILY, *(_smoke(experiment) for experiment in FAMILY))
