"""de Oliveira, Paganini, Nachman: LAGAN, Comput. Softw. Big Sci. 1, 4 (2017).

Numbers are those of the authors' public code; the text of the paper was not at hand.
"""

from __future__ import annotations

from calosim_tf.reproduction.numbers import Count, Document, PublishedNumber, Reason, settings

CODE = "authors' code"
HELD = Reason("equal", "`network.variant`, held in tests/models/test_lagan.py")

NUMBERS = (
    PublishedNumber("generator, parameters", "3 586 932", f"{CODE}, counted", Count("lagan", "generator", 3_586_932)),
    PublishedNumber("discriminator, parameters", "1 398 986", f"{CODE}, counted", Count("lagan", "critic", 1_398_986)),
    *(
        PublishedNumber(f"{what}, parameters", counted, f"{CODE}, counted", HELD)
        for what, counted in (
            ("fully connected networks", "895 315 and 1 257 586"),
            ("convolutional networks", "1 519 705 and 1 018 738"),
            ("hybrid networks", "2 414 620 and 2 276 082"),
        )
    ),
    *settings(
        "lagan",
        CODE,
        ("latent numbers", "200", "network.latent.size", 200),
        ("dropout of the discriminator", "0.2", "network.critic_dropout", 0.2),
        ("minibatch discrimination, features", "20", "network.minibatch_features", 20),
        ("batch size", "100", "training.batch_size", 100),
        ("learning rate of both", "2e-4", "training.learning_rate_generator", 2e-4),
        ("first moment of Adam", "0.5", "training.beta1_generator", 0.5),
        ("generator updates per discriminator update", "2", "training.generator_steps", 2),
        ("flipped real/generated labels", "0.05", "training.label_flip", 0.05),
        ("flipped classes of generated jets", "0.05", "training.class_flip", 0.05),
        ("flipped classes, generator updates", "0.09", "training.generator_class_flip", 0.09),
        ("updates of 50 epochs of 81 000 jets", "50 x 810", "training.iterations", 40_500),
    ),
)

DOCUMENT = Document("lagan", "LAGAN, Comput. Softw. Big Sci. 1, 4 (2017)", NUMBERS)
