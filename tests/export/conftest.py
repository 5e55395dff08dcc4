"""Untrained runs of every family, small where the family allows, with random weights that show every mistake."""

import keras
import numpy as np
import pytest

from calosim_tf.data.source import ShowerSource
from calosim_tf.data_prep.simulate import simulate
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.models import conv2d_3dgan
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.untrained import write_untrained

DENSE = {"network.generator_units": (12, 24), "network.latent.size": 9}
# Family -> experiment and settings
FAMILIES = {
    "calo_shower_gan": ("photon", DENSE),
    "layer_shares": ("photon_layernorm", {**DENSE, "network.layer_gate": False}),
    "lhcb_gan": ("lhcb_sagan_sn_gd", {"network.generator_filters": (16, 16, 16, 8), "network.latent.size": 11}),
    # a network inside of the generator
    "lhcb_cvae_cgan": ("lhcb_cvae_cgan", {"network.decoder_filters": (12, 10, 9, 8), "network.latent.size": 7}),
    "lhcb_early_cgan": ("lhcb_cvae_cgan_2020", {"network.decoder_units": (12,), "network.refiner_start": "identity"}),
    "calogan": (
        "conditional_calogan_eplus",
        {"network.latent.size": 16, "network.seed_channels": 4, "network.generator_filters": (6, 4)},
    ),
    "calogan_original": ("calogan_eplus", {"network.latent.size": 16, "network.seed_channels": 3}),
    "conv2d_3dgan": ("conv2d_g1", {}),
    "conv3d_3dgan": ("conv3d", {"network.first_filters": 2}),
}
SPLIT = ("photon_2gan", {"network.generator_units": (12, 24), "members.low.network.latent.size": 9})
LAYOUTS = {"calogan_central": "calogan"}
EVENTS = {"photon": 400, "clic": 16}


def small_tables(monkeypatch):
    """An eighth of the filters of G1: the same layers in the same order, converted in a tenth of the time."""

    def smaller(row):
        return row._replace(filters=row.filters // 8) if row.filters > 25 else row

    monkeypatch.setattr(conv2d_3dgan, "G1_BRANCH", tuple(smaller(row) for row in conv2d_3dgan.G1_BRANCH))


def randomise(generator: keras.Model) -> None:
    """Biases, normalisations and gamma too, at sizes that keep the signal alive."""
    rng = np.random.default_rng(3)
    for layer in generator.layers:
        if isinstance(layer, keras.Model):
            randomise(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (w.shape for w in layer.get_weights())
            sizes = rng.uniform(0.6, 1.4, gamma), rng.normal(0, 0.2, beta), rng.normal(0, 0.2, mean)
            layer.set_weights([*sizes, rng.uniform(0.5, 1.5, variance)])
        elif hasattr(layer, "gamma"):
            layer.gamma.assign(0.7)
        else:
            inner = layer.layer if isinstance(layer, keras.layers.Wrapper) else layer
            if getattr(inner, "bias", None) is not None:
                inner.bias.assign(rng.normal(0.2, 0.1, inner.bias.shape))


def made_source(layout: str) -> ShowerSource:
    """A few parametrised showers, in memory."""
    name = LAYOUTS.get(layout, layout)
    blocks = list(simulate(name, EVENTS.get(name, 40), seed=1))
    energy, showers, attributes = (
        np.concatenate([getattr(block, key) for block in blocks])
        for key in ("incident_energy_mev", "showers_mev", "attributes")
    )
    held_out = np.arange(len(energy)) % 5 == 0
    return ShowerSource(get_detector(layout), energy, held_out, showers, [], "parametrised showers", attributes)


@pytest.fixture(scope="session")
def run_of(tmp_path_factory):
    """``run_of(family)``: an untrained run of :data:`FAMILIES`, or of ``split``, made once."""
    made = {}

    def run(family: str) -> RunFolder:
        if family not in made:
            name, values = SPLIT if family == "split" else FAMILIES[family]
            experiment = get_experiment(name).with_values(values)
            folder = RunFolder(tmp_path_factory.mktemp("untrained") / family)
            with pytest.MonkeyPatch.context() as monkeypatch:
                small_tables(monkeypatch)
                write_untrained(experiment, made_source(experiment.data.layout), folder, randomise)
            made[family] = folder
        return made[family]

    return run
