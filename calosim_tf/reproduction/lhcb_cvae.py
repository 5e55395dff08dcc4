"""Sergeev et al.: LHCb calorimeter using VAEs and GANs, J. Phys. Conf. Ser. 1740 (2021).

Numbers are those of the authors' public code; the text of the paper was not at hand.
"""

from __future__ import annotations

from calosim_tf.reproduction.numbers import (
    PUBLIC_DATA,
    Count,
    Document,
    FirstMeasured,
    PublishedNumber,
    published_by,
    settings,
)

CODE = "authors' code"
SCORE = "PRD-AUC, smaller of raw and physics"

NUMBERS = (
    *(
        PublishedNumber(f"{what}, parameters", counted, f"{CODE}, counted", Count(experiment, which, value))
        for what, counted, experiment, which, value in (
            ("CVAE, encoder", "1 023 648", "lhcb_cvae", "encoder", 1_023_648),
            ("CVAE, decoder", "540 673", "lhcb_cvae", "generator", 540_673),
            ("first CVAE, encoder", "144 000 + 8 040", "lhcb_cvae_cgan_2020", "encoder", 152_040),
            ("first CVAE, decoder, and refiner", "2 142 241 + 10 081", "lhcb_cvae_cgan_2020", "generator", 2_152_322),
            ("discriminator behind the refiner", "1 211 969", "lhcb_cvae_cgan_2020", "critic", 1_211_969),
        )
    ),
    *settings(
        "lhcb_cvae",
        CODE,
        ("CVAE: latent numbers", "16", "network.latent.size", 16),
        ("CVAE: batch size", "1024", "training.batch_size", 1024),
        ("CVAE: learning rate", "5e-4", "training.learning_rate_generator", 5e-4),
        ("CVAE: updates of 60 epochs of 100 000 showers", "60 x 98", "training.iterations", 5_880),
    ),
    *settings(
        "lhcb_cvae_cgan_2020",
        CODE,
        ("refiner: batch size", "512", "training.batch_size", 512),
        ("refiner: generator learning rate", "1e-4", "training.learning_rate_generator", 1e-4),
        ("refiner: discriminator learning rate", "4e-4", "training.learning_rate_critic", 4e-4),
        ("refiner: discriminator updates per generator update", "2", "training.critic_steps", 2),
        ("refiner: weight of the gradient penalty", "0.1", "training.penalty_weight", 0.1),
        ("refiner: noise of the gradient penalty, MeV", "10", "training.penalty_noise", 10.0),
    ),
    PublishedNumber(
        f"CVAE: {SCORE}",
        f"{published_by('lhcb_cvae', SCORE):g}",
        "authors' notebook",
        FirstMeasured(
            ("lhcb_cvae:prd_auc_final",),
            PUBLIC_DATA,
            "the public showers, which have no direct address; batches of 1024 against 100 clusters, where two real "
            "samples do not reach 1",
        ),
    ),
)

DOCUMENT = Document("lhcb_cvae", "LHCb CVAE and CVAE + CGAN, J. Phys. Conf. Ser. 1740 (2021)", NUMBERS)
