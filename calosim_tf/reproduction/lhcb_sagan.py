"""F. Ratnikov, A. Rogachev: self-attention GAN for the LHCb calorimeter, EPJ Web Conf. 251, 03043 (2021)."""

from __future__ import annotations

from calosim_tf.reproduction.numbers import (
    DIFFERS,
    NOT_COMPARED,
    PUBLIC_DATA,
    Count,
    Document,
    Geometry,
    Measured,
    PublishedNumber,
    Reason,
    Setting,
    published_by,
    settings,
)

DATA = "section 3.1"
CELL_REASON = "5 x 5 modules of 6 x 6 cells; 20.2 mm in the public simulation code, 20 mm in the paper and here"

PRD_PLACE = "table 1"
MODELS = (
    ("WGAN", "lhcb_wgan"),
    ("SAGAN + SN D", "lhcb_sagan_sn_d"),
    ("SAGAN + SN G and D", "lhcb_sagan_sn_gd"),
)
SPACES = (
    ("physics", "PRD-AUC, physics statistics", "prd_auc_physics"),
    ("raw images", "PRD-AUC, raw cells", "prd_auc_raw"),
)


def prd_rows(place: str) -> tuple[PublishedNumber, ...]:
    """The table of PRD-AUC, which the survey talk prints too."""
    return tuple(
        PublishedNumber(
            f"{model}: PRD-AUC, {space}",
            f"{published_by(experiment, published):g}",
            place,
            Measured(
                (f"{experiment}:{metric}",),
                PUBLIC_DATA,
                "the public showers, which have no direct address; `calosim compare` scores runs",
            ),
            f"PRD-AUC, {space}",
            published_by(experiment, published),
        )
        for model, experiment in MODELS
        for space, published, metric in SPACES
    )


NUMBERS = (
    PublishedNumber(
        "modules, width in mm",
        "5 x 5 of 12 cm x 12 cm",
        DATA,
        Geometry("lhcb", lambda detector: detector.layers[0].row_mm * 6, 120.0, CELL_REASON),
    ),
    PublishedNumber(
        "cells of a module, width in mm",
        "6 x 6 of 2 cm x 2 cm",
        DATA,
        Geometry("lhcb", lambda detector: detector.layers[0].row_mm, 20.0, CELL_REASON),
    ),
    PublishedNumber(
        "cells of a shower", "30 x 30", DATA, Geometry("lhcb", lambda detector: detector.layers[0].shape, (30, 30))
    ),
    PublishedNumber(
        "conditions: px, py, pz, x, y", "5", DATA, Setting("lhcb_sagan_sn_gd", "network.condition_size", 5)
    ),
    PublishedNumber(
        "energies fed to the networks",
        "log(1 + E/MeV)",
        "equation 4",
        Reason("equal", "`LogCellNormalisation`, held to numpy's log1p in tests/data/test_cell_transforms.py"),
    ),
    PublishedNumber(
        "self-attention layers added",
        "2",
        "section 3.2",
        Setting(
            "lhcb_sagan_sn_gd",
            "network.attention",
            "one_each",
            "one in each network: the text does not say where, `two_each` is the other reading",
        ),
    ),
    PublishedNumber(
        "gamma of the attention at the start",
        "0",
        "section 2.2",
        Reason("equal", "the block is the identity at the start, held in tests/layers/test_self_attention.py"),
    ),
    *settings(
        "lhcb_sagan_sn_gd",
        "section 4",
        ("batch size", "512", "training.batch_size", 512),
        ("discriminator learning rate", "4e-4", "training.learning_rate_critic", 4e-4),
        ("generator learning rate", "1e-4", "training.learning_rate_generator", 1e-4),
        ("discriminator iterations per generator iteration", "3", "training.critic_steps", 3),
    ),
    PublishedNumber(
        "statistics of the physics score",
        "5 (two asymmetries, two widths, sparsity)",
        "section 3.3",
        Reason(
            DIFFERS,
            "24 columns: sparsity at 20 thresholds, as in the authors' evaluation code; "
            "held in tests/physics/papers/test_lhcb_statistics.py",
        ),
    ),
    *prd_rows(PRD_PLACE),
    PublishedNumber(
        "SAGAN without normalisation: PRD-AUC",
        "too bad to print",
        "section 4",
        Measured(("lhcb_sagan:prd_auc_physics",), PUBLIC_DATA, "`calosim train lhcb_sagan`, `calosim compare`"),
    ),
    PublishedNumber(
        "hot cells near the edge in WGAN showers",
        "figures 3 and 4, no number",
        "section 4",
        Measured(
            ("lhcb_wgan:isolated_cell_rate",), NOT_COMPARED, "the paper shows pictures; `calosim compare` counts them"
        ),
    ),
    PublishedNumber(
        "baseline generator, parameters",
        "656 321 (counted in released weights)",
        "reference 1",
        Count("lhcb_wgan", "generator", 656_321),
    ),
    PublishedNumber(
        "baseline discriminator, parameters",
        "406 721 (counted in released code)",
        "reference 1",
        Count("lhcb_wgan", "critic", 406_721),
    ),
)

DOCUMENT = Document("lhcb_sagan", "LHCb SAGAN, EPJ Web Conf. 251, 03043 (2021)", NUMBERS)
