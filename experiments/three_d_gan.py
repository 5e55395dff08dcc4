"""3DGAN: two-dimensional convolutions on 25 x 25 x 25 cells, the three-dimensional baseline, and variable angle.

Papers: F. Rehm et al., "Physics validation of novel convolutional 2D architectures for speeding up high energy physics
simulations", EPJ Web Conf. 251, 03042 (2021), arXiv 2105.08960; G. Khattak et al., "Fast simulation of a high
granularity calorimeter by generative adversarial networks", Eur. Phys. J. C 82, 386 (2022), for the angle.

* ``conv2d_g1``, ``conv2d_g2``, ``conv2d_g3``: three branches, a branch per layer, one branch with skips.
* ``conv3d``: the baseline they are compared with.
* ``conv3d_angle``: 51 x 51 x 25 cells, conditioned on the polar angle too.

Energies of generated showers and the sampling fraction belong to the data: ``training.fake_energy_gev``,
``training.first_energy_gev`` and ``training.ecal_coefficients`` are empty here, so that the published ones are taken
for the public data and fitted ones for any other (:mod:`calosim_tf.data.sampling_fraction`).
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import (
    AngleGanNetwork,
    Conv2dGanNetwork,
    Conv3dGanNetwork,
    DataConfig,
    Experiment,
    Published,
    ThreeDGanTraining,
)
from calosim_tf.experiments.quick import smoke_size

PAPER = "F. Rehm et al.: Convolutional 2D 3DGAN, EPJ Web Conf. 251, 03042 (2021), arXiv 2105.08960"
ANGLE_PAPER = "G. Khattak et al.: 3DGAN with variable angle, Eur. Phys. J. C 82, 386 (2022)"

# Authors' reader: cells below 1e-6 GeV are set to 0
DATA = DataConfig(layout="clic", mask_mev=1e-3, holdout_fraction=0.1)

CONV2D = ThreeDGanTraining(fake_energy_gev=(), first_energy_gev=(), log_every=10)

# Code of the baseline at fixed angle: RMSprop and two generator updates, hard labels for the generator, no schedule
CONV3D = replace(
    CONV2D,
    optimizer_generator="rmsprop",
    optimizer_critic="rmsprop",
    learning_rate_generator=1e-3,
    learning_rate_critic=1e-3,
    beta1_generator=0.0,
    beta1_critic=0.0,
    beta2_generator=0.9,
    beta2_critic=0.9,
    generator_steps=2,
    linear_epochs=0,
    first_energy_epochs=0,
    label_real=1.0,
    flip_generator=False,
    file_decay=0.0,
    reset_each_file=False,
)

# Code of the variable angle: energies and angles of the real batch, and an angle term in rad
ANGLE = replace(
    CONV3D,
    batch_size=64,
    weight_generation=3.0,
    weight_auxiliary=0.1,
    weight_angle=25.0,
    fake_conditions="real",
)

TABLE_1 = "table 1 and 2; seconds for 2560 showers on a Tesla T4, batch 128; MSE of projections, 20 000 showers"


def _published(seconds: float, mse: float) -> tuple[Published, ...]:
    return (
        Published("seconds per 2560 showers", seconds, TABLE_1, "paper"),
        Published("mean squared error of the projections", mse, TABLE_1, "paper"),
    )


CONV2D_G1 = Experiment(
    name="conv2d_g1",
    paper=PAPER,
    summary="3DGAN with two-dimensional convolutions, generator G1 (three branches)",
    network=Conv2dGanNetwork(generator="g1", output_activation="relu"),
    data=DATA,
    training=CONV2D,
    published=_published(4.91, 0.027),
)

CONV2D_G2 = replace(
    CONV2D_G1,
    name="conv2d_g2",
    summary="3DGAN with two-dimensional convolutions, generator G2 (one branch per layer)",
    network=Conv2dGanNetwork(generator="g2", output_activation="linear"),
    training=replace(CONV2D, linear_epochs=0),
    published=_published(17.48, 0.048),
)

CONV2D_G3 = replace(
    CONV2D_G1,
    name="conv2d_g3",
    summary="3DGAN with two-dimensional convolutions, generator G3 (one branch with skips)",
    network=Conv2dGanNetwork(generator="g3", output_activation="linear"),
    training=replace(CONV2D, linear_epochs=0),
    published=_published(6.21, 0.071),
)

CONV3D_BASELINE = replace(
    CONV2D_G1,
    name="conv3d",
    summary="3DGAN baseline with three-dimensional convolutions",
    network=Conv3dGanNetwork(),
    training=CONV3D,
    published=_published(7.00, 0.065),
)

CONV3D_ANGLE = Experiment(
    name="conv3d_angle",
    paper=ANGLE_PAPER,
    summary="3DGAN with variable angle of incidence, 51 x 51 x 25 cells",
    network=AngleGanNetwork(),
    data=replace(DATA, layout="clic_angle"),
    training=ANGLE,
)


# Showers are judged with moving statistics: the authors' 0.99 still has a third of its start after these few updates
SMOKE_MOMENTUM = 0.8


def _smoke(experiment: Experiment, batch_size: int, iterations: int, **network) -> Experiment:
    training = replace(
        experiment.training,
        batch_size=batch_size,
        iterations=iterations,
        checkpoint_every=iterations // 2,
        log_every=5,
        # epochs of this length, so that both kinds of epoch are met
        iterations_per_file=max(1, iterations // 20),
        files_per_epoch=2,
    )
    return smoke_size(experiment, network=replace(experiment.network, **network), training=training)


EXPERIMENTS = (
    CONV2D_G1,
    CONV2D_G2,
    CONV2D_G3,
    CONV3D_BASELINE,
    CONV3D_ANGLE,
    _smoke(CONV2D_G1, batch_size=16, iterations=120),
    _smoke(CONV2D_G2, batch_size=16, iterations=120),
    _smoke(CONV2D_G3, batch_size=16, iterations=120),
    _smoke(CONV3D_BASELINE, batch_size=8, iterations=60, bn_momentum=SMOKE_MOMENTUM),
    _smoke(CONV3D_ANGLE, batch_size=2, iterations=30, bn_momentum=SMOKE_MOMENTUM),
)
