"""FastCaloGAN, the predecessor of CaloShowerGAN in ATLAS.

V1 is the first version as the CaloShowerGAN authors keep it ("GANv1").  V2 is the production version, whose networks
were scored in the CaloChallenge as BoloGAN and fix the sizes here (parameter counts 368 558 for photons and 848 733 for
pions).  Both networks see two conditions, the energy label and a 0 in the place of the pseudorapidity.

Settings that the public sources leave open are marked "our choice".
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import (
    DataConfig,
    DenseGanNetwork,
    Experiment,
    LatentLaw,
    Member,
    Published,
    SplitExperiment,
    WganGpTraining,
)
from calosim_tf.experiments.quick import smoke, smoke_split

PAPER_V1 = "ATLAS: FastCaloGAN, first version (authors' code)"
PAPER_V2 = "ATLAS: FastCaloGAN V2, scored as BoloGAN in the CaloChallenge (authors' code)"

NETWORK_V1 = DenseGanNetwork(
    latent=LatentLaw(size=50, law="uniform", low=-1.0, high=1.0),
    condition_size=2,
    n_outputs=368,
    generator_units=(50, 100, 200),
    generator_activation="relu",
    output_activation="relu",
    generator_bn="none",
    generator_initialiser="glorot_normal",
    critic_units=(368, 368, 368),
    critic_activation="relu",
    critic_initialiser="glorot_normal",
)
TRAINING_V1 = WganGpTraining(
    batch_size=128,
    critic_steps=5,
    iterations=1_000_000,
    checkpoint_every=1_000,
    log_every=100,
    penalty_weight=10.0,
    learning_rate_generator=1e-4,
    learning_rate_critic=1e-4,
    beta1_generator=0.55,  # 0.5 in a configuration of the CaloShowerGAN authors
    beta1_critic=0.55,
)

V1_PHOTON = Experiment(
    name="fastcalogan_v1_photon",
    paper=PAPER_V1,
    summary="FastCaloGAN V1 for photons: uniform latent, plain ReLU networks",
    network=NETWORK_V1,
    # the sources have E/E_max, the logarithm and others; the plain ratio is what sets V1 apart: our choice
    data=DataConfig(layout="photon", energy_label="max"),
    training=TRAINING_V1,
)

# BoloGAN: ReLU as LeakyReLU of slope 0 and normalised hidden layers for low energies, swish and normalisation
# everywhere for high ones.  100 latent numbers for both, because only they give the published count.
LOW_NETWORK_V2 = replace(
    NETWORK_V1,
    latent=LatentLaw(size=100),
    generator_units=(50, 100, 200),
    generator_activation="leaky_relu",
    output_activation="leaky_relu",
    leaky_relu_slope=0.0,
    generator_bn="hidden",
    generator_initialiser="he_uniform",
    critic_initialiser="he_uniform",
)
HIGH_NETWORK_V2 = replace(
    LOW_NETWORK_V2,
    generator_units=(100, 200, 400),
    generator_activation="swish",
    output_activation="swish",
    generator_bn="all",
)
TRAINING_V2 = replace(
    TRAINING_V1,
    batch_size=1024,
    critic_steps=5,  # our choice: not in the public settings, as in V1
    penalty_weight=3.0,
    learning_rate_generator=5e-5,
    learning_rate_critic=5e-5,
    beta1_generator=0.5,  # our choice, as in CaloShowerGAN
    beta1_critic=0.5,
)
EDGE_MEV = 2.0**12

V2_PHOTON = SplitExperiment(
    name="fastcalogan_v2_photon",
    paper=PAPER_V2,
    summary="FastCaloGAN V2 for photons, split at 4.096 GeV",
    members=(
        Member("low", LOW_NETWORK_V2, None, EDGE_MEV, TRAINING_V2),
        Member("high", HIGH_NETWORK_V2, EDGE_MEV, None, TRAINING_V2),
    ),
    data=DataConfig(layout="photon"),
    published=(Published("FPD x 1000", 142.0, "CaloChallenge data set 1, photons", "CaloChallenge results, BoloGAN"),),
)

V2_PION = Experiment(
    name="fastcalogan_v2_pion",
    paper=PAPER_V2,
    summary="FastCaloGAN V2 for pions, one network for all energies",
    network=replace(
        LOW_NETWORK_V2,
        n_outputs=533,
        generator_units=(200, 400, 800),
        generator_activation="relu",
        output_activation="relu",
        generator_bn="none",
        critic_units=(800, 400, 200),
    ),
    data=DataConfig(layout="pion"),
    training=TRAINING_V2,
    published=(Published("FPD x 1000", 499.0, "CaloChallenge data set 1, pions", "CaloChallenge results, BoloGAN"),),
)

EXPERIMENTS = (
    V1_PHOTON,
    smoke(V1_PHOTON, iterations=1_000),
    V2_PHOTON,
    smoke_split(V2_PHOTON, iterations=200),
    V2_PION,
    smoke(V2_PION, iterations=250),
)
