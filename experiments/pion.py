"""CaloShowerGAN for charged pions.

Paper: M. Faucci Giannelli and R. Zhang, "CaloShowerGAN", CaloChallenge workshop, 30-31 May 2023 (talk).

* ``pion``: the talk's final hyper-parameters.  1 000 000 iterations; the talk needs 40 s per 1000 iterations on a V100
  (published).
* ``pion_layernorm``: layer-normalised outputs of the authors' later code, the version scored in the CaloChallenge.
* ``<name>_smoke``: a few minutes on two cores, an end-to-end smoke test.

No pion sample is bundled: without ``--data`` they are trained on parametrised showers, made on first use.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import DataConfig, DenseGanNetwork, Experiment, LatentLaw, Published
from calosim_tf.experiments.photon import PAPER
from calosim_tf.experiments.photon import TRAINING as PHOTON_TRAINING
from calosim_tf.experiments.quick import smoke

# Talk, table "Final model hyperparameters", column Pion; that the output layer is not normalised follows from the 871k
# parameters
NETWORK = DenseGanNetwork(
    latent=LatentLaw(size=200, mean=0.5, std=0.5),
    condition_size=1,
    n_outputs=533,
    generator_units=(200, 400, 800),
    generator_activation="relu",
    output_activation="relu",  # authors' code
    generator_bn="hidden",
    bn_mode="frozen",  # as for photons
    generator_initialiser="he_uniform",
    critic_units=(800, 400, 200),
    critic_activation="relu",
    critic_initialiser="he_uniform",
)

# Talk, same table; the rest is as for photons
TRAINING = replace(PHOTON_TRAINING, critic_steps=5, penalty_weight=20.0, beta1_critic=0.5)

PION = Experiment(
    name="pion",
    paper=PAPER,
    summary="Pion CaloShowerGAN with the talk's hyper-parameters, one network for all energies",
    network=NETWORK,
    data=DataConfig(layout="pion", holdout_fraction=0.2),
    training=TRAINING,
    published=(
        Published(
            what="chi2/NDF of the total energy, all energies",
            value=1.9,
            n="120 230 showers, Geant4, 15 energies",
            source="talk",
        ),
    ),
)

LAYER_SIZES = (8, 100, 100, 5, 150, 160, 10)
PION_LAYERNORM = replace(
    PION,
    name="pion_layernorm",
    summary="Pion CaloShowerGAN with layer-normalised outputs, as scored in the CaloChallenge",
    network=replace(NETWORK, n_outputs=541, layer_sizes=LAYER_SIZES, output_activation="linear"),
    published=(
        Published(
            what="FPD x 1000",
            value=113.0,
            n="CaloChallenge data set 1, pions",
            source="CaloChallenge results, CaloShowerGAN",
        ),
    ),
)

EXPERIMENTS = (PION, smoke(PION, iterations=200), PION_LAYERNORM, smoke(PION_LAYERNORM, iterations=200))
