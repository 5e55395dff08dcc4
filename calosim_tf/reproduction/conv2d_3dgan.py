"""F. Rehm, S. Vallecorsa, K. Borras, D. Kruecker: 3DGAN with Conv2D, EPJ Web Conf. 251, 03042 (2021)."""

from __future__ import annotations

from calosim_tf.reproduction.numbers import (
    GPU,
    NOT_COMPARED,
    OTHER_MACHINE,
    PUBLIC_DATA,
    Count,
    Document,
    Geometry,
    Measured,
    PublishedNumber,
    Reason,
    Setting,
    not_compared,
    published_by,
    settings,
)

SECONDS, MSE = "seconds per 2560 showers", "mean squared error of the projections"
PROTOCOL = "a Tesla T4; `calosim bench generate conv3d conv2d_g1 conv2d_g2 conv2d_g3 --protocol rehm` times any machine"
GEANT4_TIME = "needs Geant4 timed on the same machine; none is run here"
NETWORK_ROWS = (
    # name, experiment, parameters, as printed, remark, convolutions, speed-up over Geant4 and Conv3D, utilisation
    ("Conv3D", "conv3d", 752_000, "752k", "32 filters in the first convolution", 4, "6 200x", "1.00x", "78.75 %"),
    (
        "G1", "conv2d_g1", 2_052_000, "2 052k", "2 051 568 without batch normalisation, which may be left out",
        28, "8 000x", "1.29x", "21.75 %",
    ),
    ("G2", "conv2d_g2", 2_131_000, "2131k", "", 177, "2 480x", "0.40x", "21.83 %"),
    ("G3", "conv2d_g3", 2_397_000, "2 397k", "", 25, "7 006x", "1.13x", "32.90 %"),
)  # fmt: skip
TRAINING_ROWS = (
    ("Conv3D", "conv3d", "258", "1x"),
    ("G1", "conv2d_g1", "40", "6.5x"),
    ("G2", "conv2d_g2", "71", "3.6x"),
    ("G3", "conv2d_g3", "47", "5.5x"),
)


def _table_1(name, experiment, parameters, printed, remark, convolutions, geant4, conv3d, utilisation):
    place = "table 1"
    seconds = published_by(experiment, SECONDS)
    return (
        PublishedNumber(
            f"{name}: parameters", printed, place, Count(experiment, "generator in all", parameters, 1000, remark)
        ),
        PublishedNumber(
            f"{name}: convolutions", str(convolutions), place, Count(experiment, "convolutions", convolutions)
        ),
        PublishedNumber(
            f"{name}: inference of 2560 showers", f"{seconds:.2f} s", place,
            Measured((f"{experiment}:seconds_per_2560_showers",), GPU, PROTOCOL, OTHER_MACHINE),
            "inference time", seconds,
        ),
        PublishedNumber(f"{name}: speed-up over Geant4", geant4, place, Reason(NOT_COMPARED, GEANT4_TIME)),
        PublishedNumber(
            f"{name}: speed-up over Conv3D", conv3d, place,
            Measured((f"{experiment}:speed_up_over_conv3d",), GPU, PROTOCOL, OTHER_MACHINE),
            "speed-up over Conv3D", float(conv3d.rstrip("x")),
        ),
        PublishedNumber(
            f"{name}: GPU utilisation", utilisation, place, Reason(GPU, "the share of a T4 that is busy")
        ),
    )  # fmt: skip


def _table_2(name, experiment, minutes, speed_up):
    place = "table 2"
    mse = published_by(experiment, MSE)
    return (
        PublishedNumber(
            f"{name}: training time per epoch", f"{minutes} min", place,
            Measured(
                (f"{experiment}:minutes_per_epoch",), GPU,
                f"a Tesla T4; `calosim bench train {experiment}` times an iteration, an epoch has 1400", OTHER_MACHINE,
            ),
            "training time per epoch", float(minutes),
        ),
        PublishedNumber(
            f"{name}: training speed-up over Conv3D", speed_up, place,
            Reason(GPU, "a Tesla T4; the ratio of the times per epoch"),
        ),
        PublishedNumber(
            f"{name}: MSE", f"{mse:g}", place,
            Measured(
                (f"{experiment}:projection_mse",), PUBLIC_DATA,
                f"30 epochs on the public showers: `calosim train {experiment} --data ...`, `calosim evaluate --checks "
                "projections`; unit and normalisation of the paper are not stated",
            ),
            "MSE of the projections", mse,
        ),
    )  # fmt: skip


FIGURES = "figures 5 to 9"
NUMBERS = (
    PublishedNumber(
        "cells of a shower", "25x25x25", "section 3",
        Geometry("clic", lambda detector: (*detector.layers[0].shape, len(detector.layers)), (25, 25, 25)),
    ),
    *settings("conv2d_g1", "section 4.1", ("random numbers of the latent space", "200", "network.latent.size", 200)),
    PublishedNumber(
        "law of the latent space", "uniform", "section 4.1",
        Setting(
            "conv2d_g1", "network.latent.law", "uniform",
            "the authors' code draws normal numbers; `network.latent.law=uniform` is the paper",
        ),
    ),
    PublishedNumber(
        "outputs of the discriminator", "3", "section 4",
        Reason("equal", "probability, energy, sum of the cells; held in tests/models/test_3dgan_networks.py"),
    ),
    PublishedNumber(
        "branches of G1; of G2", "3; 25", "sections 4.1, 4.2",
        Reason("equal", "held by the counts of convolutions below and tests/models/test_3dgan_counts.py"),
    ),
    PublishedNumber(
        "skip connections of G3", "3", "figure 4",
        Reason("equal", "held in tests/models/test_3dgan_networks.py; `network.aligned=true` turns them to one frame"),
    ),
    PublishedNumber(
        "Conv3D: parameters (text)", "753k", "section 4.3", Count("conv3d", "generator in all", 753_000, step=1000)
    ),
    PublishedNumber(
        "Conv3D: parameters of the dense layer", "630k (84 %)", "section 4.3",
        Count("conv3d", "generator, dense layers", 630_000, step=1000),
    ),
    *(row for entry in NETWORK_ROWS for row in _table_1(*entry)),
    *settings("conv2d_g1", "section 5.1", ("batch size", "128", "training.batch_size", 128)),
    PublishedNumber(
        "warm-up batches; steps; batches per step", "20; 100; 20", "section 5.1",
        Reason("equal", "`calosim bench generate --protocol rehm`"),
    ),
    *not_compared(
        "section 5.1", "not a result; ours are in `constraints.txt`", ("Python", "3.6.8"), ("TensorFlow", "2.2.0"),
    ),
    *not_compared(
        "section 5.1", "the paper contradicts its table: 7.00/4.91 = 1.43, not 1.29",
        ("G1: speed-up over Conv3D (text)", "1.29x"),
        ("G1 on several streams, speed-up", "4.64x (1.29 times 3.6)"),
    ),
    PublishedNumber(
        "G1: lower GPU utilisation", "3.6x (section 5.1), 3.29x (conclusion)", "section 5.1",
        Reason(GPU, "the table gives 78.75/21.75 = 3.62; the paper contradicts itself"),
    ),
    *(row for entry in TRAINING_ROWS for row in _table_2(*entry)),
    PublishedNumber(
        "showers in the projections", "20 000", "section 5.2",
        Reason(PUBLIC_DATA, "the bundled EGSnrc sample has 2400 in all"),
    ),
    PublishedNumber(
        "threshold of a cell in the validation", "1e-5 GeV", "section 5.2",
        Reason("equal", "`THRESHOLD_GEV` in `calosim_tf/physics/papers/three_d_gan.py`"),
    ),
    PublishedNumber(
        "energies", "2 to 500 GeV", FIGURES, Reason(PUBLIC_DATA, "2 to 60 GeV in the bundled EGSnrc sample")
    ),
    PublishedNumber(
        "windows of figure 8", "50, 200 and 500 GeV ± 2 GeV", FIGURES,
        Reason("equal", "`calosim evaluate --checks spectrum`, as far as the data reach"),
    ),
    PublishedNumber(
        "dynamic range L of the SSIM", "1e-4, scanned from 0.1 to 1e-6", FIGURES,
        Reason("equal", "`calosim evaluate --checks ssim` scans the same"),
    ),
    PublishedNumber(
        "SSIM, GAN against GAN above MC against MC", "figure 7, no number", FIGURES,
        Measured(
            ("conv2d_g1:ssim_gan_gan_minus_mc_mc",), PUBLIC_DATA,
            "a trained network: `calosim evaluate RUN --reference F --out DIR --checks ssim`",
        ),
    ),
    PublishedNumber(
        "mu90 and sigma90/mu90", "figure 9, no number", FIGURES,
        Measured(
            ("conv2d_g1:mu90_response_ratio", "conv2d_g1_smoke:mu90_response_ratio"), PUBLIC_DATA,
            "a trained network: `calosim evaluate RUN --reference F --out DIR --checks resolution`",
        ),
    ),
    *not_compared(
        FIGURES, "describes a picture; no value is printed",
        ("energy of the showers shown", "400 GeV"),
        ("cell where the particle enters", "x = y = 13"),
        ("cell energies that the GANs describe wrongly", "below 1 MeV"),
    ),
    *not_compared(
        "section 2", "quoted from another work",
        ("parameters of VGGNet", "140M"),
        ("speed-up of a Conv2D GAN for the CMS beam test", "6 660x"),
        ("its pictures", "12 of 15x7"),
    ),
    *not_compared("section 3", "theory of the equilibrium, not a result", ("probability at the end", "50 %")),
)  # fmt: skip

DOCUMENT = Document("conv2d_3dgan", "3DGAN with Conv2D, EPJ Web Conf. 251, 03042 (2021)", NUMBERS)
