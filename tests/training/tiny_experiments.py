"""Experiments at sizes whose step is traced and run in seconds: what tests of resume and of replicas train."""

from __future__ import annotations

LHCB = {
    "network.latent.size": 6,
    "network.generator_filters": (8, 6, 5, 4),
    "network.critic_filters": (4, 5, 6, 8),
    "network.critic_units": (6,),
    "network.attention": "none",
    "training.batch_size": 6,
    "training.instance_noise": 0.1,
}
CVAE = {
    "network.latent.size": 3,
    "network.encoder_filters": (3, 4, 4, 5, 5),
    "network.encoder_units": (6,),
    "network.latent_units": 5,
    "network.decoder_units": (6,),
    "network.decoder_seed_channels": 4,
    "network.decoder_filters": (5, 4, 4, 3),
    "training.batch_size": 6,
}
BIB_AE = {
    "network.latent.size": 6,
    "network.code_size": 2,
    "network.encoder_filters": (2, 2, 2, 2),
    "network.encoder_units": (5,),
    "network.decoder_units": (5,),
    "network.decoder_seed_channels": 1,
    "network.decoder_filters": (2, 2, 2, 2, 2, 2),
    "network.critic_filters": 2,
    "network.critic_branch_units": 4,
    "network.critic_units": (5,),
    "network.latent_critic_units": (4,),
    "network.post_units": (3,),
    "network.post_filters": 3,
    "training.critic_steps": 1,
    "training.batch_size": 2,
    "training.sorted_last": 200,
}
ILC_WGAN = {
    "network.latent.size": 5,
    "network.generator_filters": (4, 3, 3, 2),
    "network.critic_filters": (2, 3, 3),
    "network.critic_units": (6,),
    "network.constrainer_filters": (2, 2, 2),
    "network.constrainer_units": (5,),
    "training.critic_steps": 1,
    "training.batch_size": 2,
}
ILC_GAN = {
    "network.latent.size": 5,
    "network.generator_filters": (4, 3, 3, 2),
    "network.critic_filters": (2, 3, 3, 3, 4),
    "network.critic_units": (6,),
    "training.batch_size": 2,
}
# Name -> (experiment, settings)
TINY = {
    "hinge": ("lhcb_sagan_sn_gd", LHCB),
    "wasserstein": ("lhcb_wgan", LHCB),
    "calogan": (
        "conditional_calogan_eplus",
        {
            "network.latent.size": 6,
            "network.seed_channels": 2,
            "network.generator_filters": (3, 2),
            "network.smearing_filters": 2,
            "network.critic_filters": (2, 3, 2),
            "network.attribute_units": (6, 5),
            "network.attribute_dropout": (0.2, 0.5),
            "network.minibatch_features": 2,
            "network.minibatch_dimensions": 2,
            "training.batch_size": 6,
            "training.label_flip": 0.3,
        },
    ),
    "lagan": (
        "lagan",
        {
            "network.latent.size": 5,
            "network.seed_channels": 2,
            "network.generator_filters": (3, 2, 2),
            "network.critic_filters": (2, 2, 2, 2),
            "network.minibatch_features": 2,
            "network.minibatch_dimensions": 2,
            "training.batch_size": 6,
        },
    ),
    "cvae_cgan": (
        "lhcb_cvae_cgan",
        CVAE
        | {
            "network.refiner_filters": (3,),
            "network.refiner_windows": (3, 3),
            "network.critic_filters": (3, 4, 4, 5),
            "network.critic_units": (5,),
            "training.cvae_iterations": 3,
            "training.cvae_batch_size": 12,
            "training.instance_noise": 0.1,
        },
    ),
    "bib_ae": ("bib_ae_photon", BIB_AE),
    "ilc_wgan": ("ilc_wgan_photon", ILC_WGAN),
    "ilc_gan": ("ilc_gan_photon", ILC_GAN),
}


def tiny(name: str, settings: dict | None = None) -> tuple[str, dict]:
    """Experiment and settings of an entry of the table, with more settings or other values of them."""
    experiment, own = TINY[name]
    return experiment, own | (settings or {})
