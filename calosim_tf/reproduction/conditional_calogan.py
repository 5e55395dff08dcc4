"""L. de Oliveira, M. Paganini, B. Nachman: Conditional CaloGAN, J. Phys. Conf. Ser. 1085, 042017 (2018)."""

from __future__ import annotations

from calosim_tf.reproduction.numbers import (
    DIFFERS,
    NOT_COMPARED,
    PUBLIC_DATA,
    Count,
    Document,
    FirstMeasured,
    Geometry,
    PublishedNumber,
    Reason,
    Setting,
    not_compared,
)

EXPERIMENT = "conditional_calogan_eplus"
BY_HAND = "doi:10.17632/5fnxs6b557 has to be downloaded by hand: no direct address is known"
CHECKS = "`calosim evaluate RUN --reference F --out DIR --checks {}`"
FIGURE = "a figure without numbers; {}"
WALK = FIGURE.format(CHECKS.format("traversal"))

NUMBERS = (
    *(
        PublishedNumber(f"public showers: {species}", printed, "section 2", Reason(PUBLIC_DATA, BY_HAND))
        for species, printed in (("e+", "500,000"), ("pi+", "500,000"), ("gamma", "400,000"))
    ),
    PublishedNumber(
        "width of the calorimeter",
        "480 mm",
        "section 2",
        Geometry("calogan", lambda detector: detector.layers[1].row_mm * detector.layers[1].shape[0], 480.0),
    ),
    PublishedNumber(
        "depths of the three layers",
        "90, 347 and 43 mm",
        "section 2",
        Reason(
            "equal",
            "of the bundled EGSnrc sample and of the parametrised showers: segments in "
            "`data_prep/cell_layouts.py`; the networks do not depend on them",
        ),
    ),
    PublishedNumber(
        "distance of the calorimeter from the origin",
        "288 mm",
        "section 2",
        Reason(NOT_COMPARED, "where the coordinates begin; the showers do not depend on it"),
    ),
    PublishedNumber("layers", "3", "section 2", Geometry("calogan", lambda detector: len(detector.layers), 3)),
    PublishedNumber(
        "conditions: E, x0, y0, theta, phi", "5", "section 4", Setting(EXPERIMENT, "network.condition_size", 5)
    ),
    PublishedNumber(
        "weights lambda and lambda_E",
        "named, no value",
        "section 4",
        Setting(EXPERIMENT, "training.attribute_weights", None, "authors' code; lambda_E 0.05"),
    ),
    PublishedNumber(
        "label flipping",
        "named, no rate",
        "section 3",
        Setting(EXPERIMENT, "training.label_flip", None, "the same authors' LAGAN; their release code flips none"),
    ),
    PublishedNumber(
        "soft sparsity",
        "u = |x|^alpha + |x|^-beta",
        "equation 5",
        Reason(
            DIFFERS,
            "equation 5 gives 1 for an empty cell; default is the authors' code, `network.sparsity=literal` the "
            "equation; both held in tests/layers/test_soft_sparsity.py",
        ),
    ),
    PublishedNumber(
        "weights of the blur",
        "1/(n m)",
        "section 6.1",
        Reason("equal", "fixed 3 x 3 mean, held in tests/layers/test_calogan_layers.py"),
    ),
    PublishedNumber(
        "epochs",
        "150",
        "section 6.1",
        Setting(
            EXPERIMENT,
            "training.iterations",
            150 * 500_000 // 256,
            "150 epochs of 500 000 showers in minibatches of 256 (authors' code)",
        ),
    ),
    PublishedNumber(
        "graphics cards of the training",
        "4 Titan X",
        "section 6.1",
        Reason("needs GPU", "GPU paths are untested here; see `calosim train --help` for the ways to distribute"),
    ),
    PublishedNumber(
        "walk along the energy",
        "1 to 100 GeV",
        "figure 3",
        FirstMeasured((f"{EXPERIMENT}:walk_energy_total_change_gev",), NOT_COMPARED, WALK),
    ),
    PublishedNumber(
        "walk along x0",
        "figure 4, no number",
        "figure 4",
        FirstMeasured((f"{EXPERIMENT}:walk_x0_centre_change_mm",), NOT_COMPARED, WALK),
    ),
    PublishedNumber(
        "walk along theta",
        "figure 5, no number",
        "figure 5",
        FirstMeasured((f"{EXPERIMENT}:walk_theta_centre_change_mm",), NOT_COMPARED, WALK),
    ),
    PublishedNumber(
        "showers averaged per point of a walk",
        "10",
        "figures 3 to 5",
        Reason("equal", "ten latents per point; " + CHECKS.format("traversal")),
    ),
    PublishedNumber(
        "showers whose nearest neighbours are shown",
        "7",
        "figure 2",
        FirstMeasured(
            (f"{EXPERIMENT}:neighbour_distance_ratio",), NOT_COMPARED, FIGURE.format(CHECKS.format("neighbours"))
        ),
    ),
    PublishedNumber(
        "mean picture of each layer",
        "figure 1, no number",
        "figure 1",
        FirstMeasured((f"{EXPERIMENT}:separation_mean",), NOT_COMPARED, FIGURE.format(CHECKS.format("images"))),
    ),
    *not_compared(
        "section 3",
        "theory of the equilibrium, not a result",
        ("D at the Nash equilibrium", "1/2"),
    ),
    *(
        PublishedNumber(what, printed, "authors' code, counted", Count(experiment, which, value))
        for what, printed, experiment, which, value in (
            ("conditional generator, parameters", "29,606,810", EXPERIMENT, "generator", 29_606_810),
            ("conditional discriminator, parameters", "4,197,368", EXPERIMENT, "critic", 4_197_368),
            ("original generator, parameters", "29,726,280", "calogan_eplus", "generator", 29_726_280),
            ("original discriminator, parameters", "2,744,332", "calogan_eplus", "critic", 2_744_332),
        )
    ),
)

DOCUMENT = Document("conditional_calogan", "Conditional CaloGAN, J. Phys. Conf. Ser. 1085, 042017 (2018)", NUMBERS)
