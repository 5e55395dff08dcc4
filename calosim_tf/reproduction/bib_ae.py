"""Buhmann et al.: Getting High, Comput. Softw. Big Sci. 5 (2021) 13, arXiv:2005.05334.

Numbers are those of the authors' public code and of its README, which repeats the paper; the paper was not at hand.
"""

from __future__ import annotations

from calosim_tf.reproduction.numbers import DIFFERS, Count, Document, PublishedNumber, Reason, settings

CODE, README = "authors' code", "authors' README"


def _count(what: str, printed: str, place: str, experiment: str, which: str, value: int, step: int = 1):
    return PublishedNumber(f"{what}, parameters", printed, place, Count(experiment, which, value, step))


NUMBERS = (
    *(
        _count(what, counted, f"{CODE}, counted", "bib_ae_photon", which, value)
        for what, counted, which, value in (
            ("BIB-AE, encoder", "35 224 598", "encoder", 35_224_598),
            ("BIB-AE, decoder", "36 218 496", "decoder", 36_218_496),
            ("BIB-AE, decoder and post-processor", "36 218 496 + 299 136", "generator", 36_517_632),
            ("BIB-AE, critic and difference critic", "4 762 753", "critic", 4_762_753),
            ("BIB-AE, latent critic", "10 301", "latent_critic", 10_301),
        )
    ),
    _count("WGAN, generator", "3.7M", README, "ilc_wgan_photon", "generator", 3_700_000, 100_000),
    _count("WGAN, critic", "250k", README, "ilc_wgan_photon", "critic", 250_000, 10_000),
    _count("WGAN, constrainer", "220k", README, "ilc_wgan_photon", "constrainer", 220_000, 10_000),
    _count("GAN, generator", "4 392 224", f"{CODE}, counted", "ilc_gan_photon", "generator", 4_392_224),
    PublishedNumber(
        "GAN, generator as it is printed, parameters",
        "1.5M",
        README,
        Reason(DIFFERS, "the released code has 4 392 224; half its width, which is a setting, has 1 507 984"),
    ),
    _count("GAN, discriminator", "2.0M", README, "ilc_gan_photon", "critic", 2_000_000, 100_000),
    *settings(
        "bib_ae_photon",
        CODE,
        ("BIB-AE: latent numbers", "24 + 488", "network.latent.size", 512),
        ("BIB-AE: latent numbers that are encoded", "24", "network.code_size", 24),
        ("BIB-AE: batch size", "8", "training.batch_size", 8),
        ("BIB-AE: critic updates per update of the autoencoder", "5", "training.critic_steps", 5),
        ("BIB-AE: learning rate", "5e-4", "training.learning_rate_decoder", 5e-4),
        ("BIB-AE: learning rate of the latent critic", "2e-3", "training.learning_rate_latent_critic", 2e-3),
        ("BIB-AE: factor of all rates per epoch", "0.95", "training.schedule_factor", 0.95),
        ("BIB-AE: weight of the latent critic", "100", "training.latent_weight", 100.0),
        ("BIB-AE: weight of the divergence", "0.05", "training.divergence_weight", 0.05),
        ("BIB-AE: weight of the discrepancy of latents", "100", "training.mmd_weight", 100.0),
        ("post-processor: weight of the discrepancy of sorted cells", "5", "training.sorted_weight", 5.0),
    ),
    *settings(
        "ilc_wgan_photon",
        CODE,
        ("WGAN: batch size", "50", "training.batch_size", 50),
        ("WGAN: generator updates", "75 000", "training.iterations", 75_000),
        ("WGAN: weight of the gradient penalty", "5", "training.penalty_weight", 5.0),
        ("WGAN: weight of the energy", "0.01", "training.energy_weight", 0.01),
    ),
    *settings(
        "ilc_gan_photon",
        CODE,
        ("GAN: batch size", "32", "training.batch_size", 32),
        ("GAN: learning rate", "1e-5", "training.learning_rate_generator", 1e-5),
    ),
)

DOCUMENT = Document("bib_ae", "Getting High: BIB-AE, WGAN and GAN, arXiv:2005.05334", NUMBERS)
