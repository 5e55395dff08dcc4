"""``calosim info`` on the experiments of the other papers: counts and convolutions, one build per network."""

import contextlib
import io
import json
from dataclasses import replace
from functools import cache

import pytest

from calosim_tf.cli import main
from calosim_tf.experiments import EXPERIMENTS, get_experiment

# Builds the networks of every experiment in their full size
pytestmark = pytest.mark.slow

# Trainable parameters, parameters in all and convolutions of generator and critic; sources: test_lhcb_gan,
# test_calogan and test_3dgan_counts
LHCB = ((656_321, 656_769, 4), (406_721, 406_721, 4))
SAGAN_GENERATOR, SAGAN_CRITIC = (658_458, 658_906, 4), (408_858, 408_858, 4)
# and, not trained, a vector u per normalised layer, as long as the layer has outputs: the dense layers, the
# convolutions and the four convolutions of the attention on 64 channels
U_GENERATOR = 1024 + (128 + 64 + 32 + 1) + (8 + 8 + 8 + 64)
U_CRITIC = (32 + 64 + 128 + 256) + (8 + 8 + 8 + 64) + (64 + 32 + 1)
NORMALISED_GENERATOR, NORMALISED_CRITIC = (658_458, 658_906 + U_GENERATOR, 4), (408_858, 408_858 + U_CRITIC, 4)
# three streams of three convolutions and a smearing head of two; three convolutions on each layer
CALOGAN = ((29_606_810, 29_607_203, 15), (4_197_368, 4_197_944, 9))
CONV2D_CRITIC = (712_888, 714_114, 18)
# Our own: the head 17-96-96-16 and the shape 75-256-320-384-368 with 384-32-736 beside it (photons); counted by hand
PHOTON = ((415_840, 416_112, 0), (552_449, 569_295, 0))
# In the frame of the particle: the head 24-64-64-4, the shape 83-256-320-384-900 with 384-32-1800 beside it and
# regressions 17-900 and 17-1800; the critic 1095-512-512-1
LHCB_FACTORISED = ((699_848, 700_034, 0), (824_321, 860_766, 0))
# ... and of three layers: the head 46-96-96-10, the shape 101-256-320-384-504; the critic 982-512-512-1
CALOGAN_FACTORISED = ((534_418, 534_676, 0), (766_465, 798_092, 0))
PION = ((501_365, 501_701, 0), (688_129, 712_577, 0))
# No critic: the encoder stands in its place
CVAE_DECODER, CVAE_ENCODER = (540_673, 543_041, 5), (1_023_648, 1_025_504, 5)
REFINED = (540_673 + 10_081, 543_041 + 10_081, 5 + 4)
REFINER_CRITIC = (1_211_969, 1_211_969 + (32 + 64 + 128 + 256) + (128 + 32 + 1), 4)
EXPECTED = {
    "photon_factorised": PHOTON,
    "pion_factorised": PION,
    "lhcb_factorised": LHCB_FACTORISED,
    "calogan_factorised": CALOGAN_FACTORISED,
    "lhcb_wgan": LHCB,
    "lhcb_sagan": (SAGAN_GENERATOR, SAGAN_CRITIC),
    "lhcb_sagan_sn_d": (SAGAN_GENERATOR, NORMALISED_CRITIC),
    "lhcb_sagan_sn_gd": (NORMALISED_GENERATOR, NORMALISED_CRITIC),
    "lhcb_cvae": (CVAE_DECODER, CVAE_ENCODER),
    "lhcb_cvae_cgan": (REFINED, REFINER_CRITIC),
    "lhcb_cvae_cgan_2020": ((2_142_241 + 10_081, 2_142_241 + 10_081 + 864, 7 + 4), REFINER_CRITIC),
    # locally connected layers are no convolutions
    "calogan_eplus": ((29_726_280, 29_726_376, 3), (2_744_332, 2_744_524, 3)),
    "conditional_calogan_eplus": CALOGAN,
    "conv2d_g1": ((2_053_446, 2_055_324, 28), CONV2D_CRITIC),
    "conv2d_g2": ((2_125_300, 2_131_000, 177), CONV2D_CRITIC),
    "conv2d_g3": ((2_394_774, 2_397_022, 25), CONV2D_CRITIC),
    "conv3d": ((752_904, 752_980, 4), (73_402, 73_450, 4)),
    "conv3d_angle": ((1_364_983, 1_365_047, 7), (87_354, 87_402, 4)),
}
# Other data, same networks
SAME = dict.fromkeys(("conditional_calogan_gamma", "conditional_calogan_piplus"), "conditional_calogan_eplus")


@cache
def info(name):
    """What ``calosim info NAME --json`` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["info", name, "--json"]) == 0
    return json.loads(printed.getvalue())


def described(name):
    """Generator, and critic or, where there is none, encoder."""
    networks = info(name)["networks"]
    return networks["generator"], networks.get("critic") or networks["encoder"]


def counted(name):
    return tuple((row["params_trainable"], row["params_total"], row["conv_layers"]) for row in described(name))


@pytest.mark.parametrize("name", EXPECTED)
def test_info_gives_the_published_counts(name):
    """Breaks when an experiment gets other widths than its paper, or a wrapped convolution is not counted as one."""
    assert counted(name) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_info_gives_the_contract_of_the_networks(name):
    """Breaks when an input is renamed, a condition gets another size, or generator and critic do not fit."""
    network = get_experiment(name).network
    generator, critic = described(name)
    condition = [network.condition_size]
    assert generator["inputs"] == {"latent": [network.latent.size], "condition": condition}
    (showers,) = generator["outputs"].values()
    assert critic["inputs"] == {"showers": showers, "condition": condition}


@pytest.mark.parametrize(
    # of the flows, whose networks take seconds to build, one teacher and one student
    "name",
    sorted(
        name
        for name in EXPERIMENTS
        if not name.endswith("_smoke")
        and name not in SAME
        and (not name.startswith("caloflow") or name.startswith("caloflow_photon"))
    ),
)
def test_info_describes_every_experiment(name):
    """Breaks when a network cannot be built or described, or a setting cannot be written as JSON."""
    content, experiment = info(name), get_experiment(name)
    assert content["experiment"] == name
    networks = content["networks"]
    rows = networks["generators"] + networks["critics"] if experiment.members else list(networks.values())
    assert all(row["params_total"] >= row["params_trainable"] > 0 for row in rows)
    if not experiment.members:
        assert list(content["settings"]) == experiment.setting_keys()
    assert len(content["published"]) == len(experiment.published)


@pytest.mark.parametrize(("name", "other"), SAME.items())
def test_other_particles_have_the_same_networks(name, other):
    """Breaks when a setting of the positrons does not reach photons and pions."""
    assert get_experiment(name).network == get_experiment(other).network
    assert get_experiment(name).training == get_experiment(other).training
    assert get_experiment(name).data.layout != get_experiment(other).data.layout


# What the full size has where a smoke size has another: its moving statistics have few updates to follow in
BUT_FOR = {"conv3d": {"bn_momentum": 0.99}, "conv3d_angle": {"bn_momentum": 0.99}}


@pytest.mark.parametrize("name", [*EXPECTED, *SAME])
def test_the_smoke_size_has_the_networks_of_the_full_one(name):
    """Breaks when a quick experiment uses another model than the one it represents."""
    full, smoke = EXPERIMENTS[name], EXPERIMENTS[f"{name}_smoke"]
    assert full.network == replace(smoke.network, **BUT_FOR.get(name, {}))
    assert full.data == smoke.data
    assert smoke.training.iterations <= 1_000
    assert smoke.published == ()


ILD = ("bib_ae", "ilc_wgan", "ilc_gan")


def test_every_experiment_of_these_papers_is_counted():
    """Breaks when an experiment is added and its counts are checked nowhere."""
    papers = {
        name for name, experiment in EXPERIMENTS.items()
        if not (experiment.members or name.endswith(("_smoke", "_pretrained")))
        # the others have files of their own: test_family_counts, test_caloflow_counts, test_lagan, test_ilc_counts
        and experiment.network.family not in ("calo_shower_gan", "caloflow", "lagan", *ILD)
    }  # fmt: skip
    assert papers == {*EXPECTED, *SAME}
