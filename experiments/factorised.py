"""Factorised generators (our own; docs/factorised.md): layer energies first, then the share of each voxel.

* ``photon_factorised``: what ``make train-photon`` trains, about 8 minutes on two cores.
* ``photon_factorised_pretrained``: the same, four times as long; ``pretrained:photon`` is its best state.
* ``pion_factorised``: the same recipe for pions, whose showers may be empty.
* ``pion_factorised_pretrained``: twice as long; ``pretrained:pion`` is its best state.
* ``lhcb_factorised``: continuous energies, points and slopes: networks in a frame that follows the particle.
* ``lhcb_factorised_pretrained``: the same, longer; ``pretrained:lhcb`` is its best state.
* ``calogan_factorised``: the same for three layers of different cells, points and angles.
* ``calogan_factorised_pretrained``: the same, longer; ``pretrained:calogan`` is its best state.
* ``<name>_smoke``: a few minutes on two cores, an end-to-end smoke test.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import DataConfig, Experiment, FactorisedNetwork, FactorisedTraining
from calosim_tf.experiments.quick import smoke_size

PAPER = "none: our own generator (docs/factorised.md)"

# Our choices, by measurement on the photons; 360 and 1440 are multiples of 1 to 6, 8, 9, 10 and 12 groups of energies
TRAINING = FactorisedTraining(
    batch_size=360,
    head_iterations=3_000,
    head_batch_size=1_440,
    iterations=10_500,
    checkpoint_every=1_500,
    log_every=50,
    learning_rate_generator=1e-3,
    learning_rate_critic=1e-3,
    beta1_generator=0.0,
    beta1_critic=0.0,
    beta2_generator=0.99,
    beta2_critic=0.99,
    epsilon=1e-8,
    schedule="cosine",
    schedule_iterations=7_500,
    schedule_floor=0.02,
    warmup_iterations=100,
    gradient_clip=5.0,
    generator_average=0.999,
    selection="physics",
)

PHOTON = Experiment(
    name="photon_factorised",
    paper=PAPER,
    summary="Factorised photon generator: energies of the layers, then shares of the voxels",
    network=FactorisedNetwork(detector="photon"),
    data=DataConfig(layout="photon", balance_energies=True, symmetry="exact"),
    training=TRAINING,
)

# Trained in the background for the generators that come with the package
PRETRAINED_TRAINING = replace(
    TRAINING,
    head_iterations=8_000,
    iterations=36_000,
    schedule_iterations=28_000,
    checkpoint_every=2_000,
    log_every=200,
)

PHOTON_PRETRAINED = replace(
    PHOTON,
    name="photon_factorised_pretrained",
    summary="photon_factorised, four times as long: what pretrained:photon is",
    data=replace(PHOTON.data, holdout_fraction=0.1),
    training=PRETRAINED_TRAINING,
)

PION = replace(
    PHOTON,
    name="pion_factorised",
    summary="Factorised pion generator",
    # seven layers, most of them closed at low energies: a larger head
    network=FactorisedNetwork(detector="pion", head_latent=24, head_units=(128, 128)),
    data=DataConfig(layout="pion", balance_energies=True, symmetry="exact"),
)

PION_PRETRAINED = replace(
    PION,
    name="pion_factorised_pretrained",
    summary="pion_factorised, twice as long: what pretrained:pion is",
    data=replace(PION.data, holdout_fraction=0.1),
    training=replace(PRETRAINED_TRAINING, iterations=24_000, schedule_iterations=16_000),
)

# Our choices, by measurement on the LHCb-like electrons: 40 pairs of each of 8 ranges of energies; with the squares of
# observables and the weights of conditions the moments carry most of the loss
LHCB_TRAINING = replace(
    TRAINING,
    batch_size=320,
    head_batch_size=1_280,
    iterations=7_500,
    schedule_iterations=4_500,
    # a critic with 0.3 learnt the 9000 training showers themselves
    penalty_weight=1.0,
    moment_weight=3_000.0,
    moments_of_squares=True,
    moments_by_condition=True,
)

LHCB = Experiment(
    name="lhcb_factorised",
    paper=PAPER,
    summary="Factorised generator of LHCb-like electrons, in a frame that follows the particle",
    # the geometric statistics count cells down to 1e-5 of a shower: far below the threshold of 1 MeV
    network=FactorisedNetwork(
        detector="lhcb", head_latent=8, head_units=(64, 64), frame=True, observed_from_mev=0.1, ramp_mev=(0.03, 0.1)
    ),
    data=DataConfig(layout="lhcb", balance_energies=True),
    training=LHCB_TRAINING,
)

LHCB_PRETRAINED = replace(
    LHCB,
    name="lhcb_factorised_pretrained",
    summary="lhcb_factorised, longer: what pretrained:lhcb is",
    data=replace(LHCB.data, holdout_fraction=0.1),
    training=replace(
        LHCB_TRAINING, head_iterations=4_000, iterations=11_500, schedule_iterations=7_500, checkpoint_every=1_000
    ),
)
CALOGAN = replace(
    LHCB,
    name="calogan_factorised",
    summary="Factorised generator of positrons in the CaloGAN calorimeter, in a frame that follows the particle",
    # the threshold of the community is 0.1 MeV
    network=FactorisedNetwork(detector="calogan", frame=True, ramp_mev=(0.03, 0.1)),
    data=DataConfig(layout="calogan", balance_energies=True),
)

CALOGAN_PRETRAINED = replace(
    CALOGAN,
    name="calogan_factorised_pretrained",
    summary="calogan_factorised, longer: what pretrained:calogan is",
    data=replace(CALOGAN.data, holdout_fraction=0.1),
    training=replace(
        LHCB_TRAINING, head_iterations=4_000, iterations=10_000, schedule_iterations=6_000, checkpoint_every=1_000
    ),
)


def _smoke_sized(training: FactorisedTraining) -> FactorisedTraining:
    return replace(
        training, head_iterations=300, iterations=600, schedule_iterations=300, checkpoint_every=100, log_every=10
    )


EXPERIMENTS = (
    PHOTON,
    PHOTON_PRETRAINED,
    PION,
    PION_PRETRAINED,
    LHCB,
    LHCB_PRETRAINED,
    CALOGAN,
    CALOGAN_PRETRAINED,
    smoke_size(PHOTON, training=_smoke_sized(TRAINING)),
    smoke_size(PION, training=_smoke_sized(TRAINING)),
    smoke_size(LHCB, training=_smoke_sized(LHCB_TRAINING)),
    smoke_size(CALOGAN, training=_smoke_sized(LHCB_TRAINING)),
)
