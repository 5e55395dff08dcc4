"""CaloGAN and Conditional CaloGAN: three longitudinal layers of rectangular cells.

Papers: M. Paganini, L. de Oliveira, B. Nachman, "CaloGAN", Phys. Rev. D 97, 014021 (2018), and L. de Oliveira,
M. Paganini, B. Nachman, "Controlling physical attributes in GAN-accelerated simulation of electromagnetic
calorimeters", J. Phys. Conf. Ser. 1085, 042017 (2018).

* ``calogan_eplus``: the original, conditioned on the energy alone, locally connected layers.
* ``conditional_calogan_eplus``, ``_gamma``, ``_piplus``: conditioned on energy, angles and position, in the form of the
  authors' release code; ``network.variant=explicit_blur`` is their later trial.

The settings are those of the paper where it has any (150 epochs, label flipping) and of the release code elsewhere;
``training.label_flip=0`` gives the release code.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import CaloGanNetwork, CaloGanTraining, DataConfig, Experiment, original_calogan
from calosim_tf.experiments.quick import smoke_size

PAPER = "L. de Oliveira, M. Paganini, B. Nachman: Conditional CaloGAN, J. Phys. Conf. Ser. 1085, 042017 (2018)"
ORIGINAL_PAPER = "M. Paganini, L. de Oliveira, B. Nachman: CaloGAN, Phys. Rev. D 97, 014021 (2018)"

# Paper: 150 epochs of 500 000 showers in minibatches of 256; an iteration has two generator updates
ITERATIONS = 150 * 500_000 // 256
TRAINING = CaloGanTraining(iterations=ITERATIONS, checkpoint_every=1_000, log_every=10)

SMOKE_ITERATIONS = 40
SMOKE_BATCH = 64

CONDITIONAL_EPLUS = Experiment(
    name="conditional_calogan_eplus",
    paper=PAPER,
    summary="Conditional CaloGAN, positrons: energy, two angles and two coordinates",
    network=CaloGanNetwork(),
    data=DataConfig(layout="calogan"),
    training=TRAINING,
)

CONDITIONAL_GAMMA = replace(
    CONDITIONAL_EPLUS,
    name="conditional_calogan_gamma",
    summary="Conditional CaloGAN, photons",
    data=DataConfig(layout="calogan_gamma"),
)

CONDITIONAL_PIPLUS = replace(
    CONDITIONAL_EPLUS,
    name="conditional_calogan_piplus",
    summary="Conditional CaloGAN, charged pions",
    data=DataConfig(layout="calogan_piplus"),
)

# The same loop without attributes; the original paper flips no labels and trains 50 epochs (its code)
CALOGAN_EPLUS = Experiment(
    name="calogan_eplus",
    paper=ORIGINAL_PAPER,
    summary="CaloGAN as first published, positrons: energy alone, locally connected layers",
    network=original_calogan(),
    data=DataConfig(layout="calogan_central"),
    training=replace(TRAINING, iterations=ITERATIONS // 3, label_flip=0.0),
)


def _smoke(experiment: Experiment) -> Experiment:
    training = replace(
        experiment.training, batch_size=SMOKE_BATCH, iterations=SMOKE_ITERATIONS, checkpoint_every=SMOKE_ITERATIONS // 2
    )
    return smoke_size(experiment, training=training)


FAMILY = (CALOGAN_EPLUS, CONDITIONAL_EPLUS, CONDITIONAL_GAMMA, CONDITIONAL_PIPLUS)
EXPERIMENTS = (*FAMILY, *(_smoke(experiment) for experiment in FAMILY))
