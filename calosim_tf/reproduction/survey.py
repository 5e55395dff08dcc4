"""S. Vallecorsa: ML/AI methods for calorimeter simulation, talk, 9 November 2021."""

from __future__ import annotations

from calosim_tf.reproduction.lhcb_sagan import prd_rows
from calosim_tf.reproduction.numbers import (
    GPU,
    NOT_COMPARED,
    OTHER_MACHINE,
    Document,
    FirstMeasured,
    PublishedNumber,
    Reason,
    not_compared,
)

NUMBERS = (
    *not_compared(
        "slide CaloGAN", "quoted from the CaloGAN paper, over Geant4, which is not run here",
        ("speed-up of CaloGAN, CPU", "100x to 1000x"),
        ("speed-up of CaloGAN, GPU", "up to 10^5x"),
    ),
    PublishedNumber(
        "FastCaloGAN networks for the whole ATLAS calorimeter", "300", "slide recent models (I)",
        Reason(NOT_COMPARED, "one slice in pseudorapidity is public; `fastcalogan_v2_photon` and `_pion` are its GANs"),
    ),
    *prd_rows("slide recent models (I)"),
    PublishedNumber(
        "GAN points that match the training data", "10,000 for 150 true points", "slide training dataset size",
        FirstMeasured(
            ("camel_back:equivalent_points_at_10000",), NOT_COMPARED,
            "a toy in one dimension: `calosim study amplification`",
        ),
    ),
    PublishedNumber(
        "dynamic range L of the SSIM", "0.0001", "slide image similarity",
        Reason("equal", "`calosim evaluate --checks ssim`"),
    ),
    PublishedNumber(
        "angle of the SSIM", "90 degrees", "slide image similarity",
        Reason("equal", "showers of normal incidence: detector `clic`"),
    ),
    PublishedNumber(
        "P of a duplicate that defines the support size", "0.5", "slides support size, birthday paradox",
        FirstMeasured(
            ("conv2d_g1:support_size",), NOT_COMPARED, "depends on what counts as a duplicate; no value is printed"
        ),
    ),
    *not_compared(
        "slides support size, birthday paradox", "example from the literature, not a result",
        ("people for a common birthday", "23 of 365 days"),
    ),
    PublishedNumber(
        "parameters of the 3DGAN", "3M", "slide reducing training time",
        Reason(
            NOT_COMPARED,
            "no public network has them: `conv3d_angle` has 1 365 047 and 87 402 in all (`calosim info conv3d_angle`)",
        ),
    ),
    *(
        PublishedNumber(
            what, printed, "slide reducing training time",
            FirstMeasured((f"conv3d_angle:{metric}",), GPU, reason, OTHER_MACHINE),
        )
        for what, printed, metric, reason in (
            ("training on a V100", "about 7 days", "training_days", "`calosim bench train conv3d_angle` times a step"),
            ("training on 256 Xeon nodes", "3 hours", "training_hours_256_nodes", "256 nodes; `--strategy` of train"),
            ("training on 128 V100", "1 hour", "training_hours_128_gpus", "128 GPUs; `--strategy` of train"),
        )
    ),
    PublishedNumber(
        "INT8 after training, batch size", "128", "slide faster than Monte Carlo?",
        FirstMeasured(
            ("conv2d_g1:int8_speed_up",), NOT_COMPARED,
            "the slide has a picture without numbers; processor and TensorFlow 2.3.0 are others", OTHER_MACHINE,
        ),
    ),
    *not_compared(
        "slides very popular models, foundation model", "about the literature or other fields, not a result",
        ("papers on GANs in INSPIRE", "113"),
        ("of these with calorimeters", "32"),
        ("parameters of GPT-3", "175 billion"),
        ("parameters of Turing NLG", "17 billion"),
    ),
)  # fmt: skip

DOCUMENT = Document("survey", "ML/AI methods for calorimeter simulation, talk, 9 November 2021", NUMBERS)
