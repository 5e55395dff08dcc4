"""Parameter counts of the CaloShowerGAN family: the published numbers, exactly."""

from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.commands.info import describe
from calosim_tf.experiments import EXPERIMENTS, get_experiment
from calosim_tf.training.build import build_networks


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


# Generator trainable and total, critic: talk (871k, 829k), CaloChallenge results (880 541, 848 733), and arithmetic on
# the layer tables for the others.
SINGLE = {
    "photon": (260_504, 262_640, 408_113),
    "photon_wide": (472_704, 475_540, 408_113),
    "photon_layernorm": (262_922, 265_070, 421_499),
    "pion": (871_333, 874_133, 828_801),
    "pion_layernorm": (877_741, 880_541, 835_201),
    "fastcalogan_v1_photon": (101_918, 101_918, 408_481),
    "fastcalogan_v2_pion": (848_733, 848_733, 829_601),
}
# All generators, and all networks of the training: CaloChallenge results
SPLIT = {
    "photon_2gan": (367_380, 1_183_606),
    "photon_3gan": (472_120, 1_696_459),
    "fastcalogan_v2_photon": (368_558, 1_185_520),
}


@pytest.mark.parametrize("name", SINGLE)
def test_single_networks_have_the_published_counts(name):
    """Breaks when a width, bias, condition or batch normalisation differs from the published network."""
    generator, critic = build_networks(get_experiment(name)).values()
    assert (trainable(generator), generator.count_params(), critic.count_params()) == SINGLE[name]


@pytest.mark.parametrize("name", SPLIT)
def test_split_networks_count_as_one_model(name):
    """Breaks when a member is left out of the sum, or a range gets the wrong size."""
    networks = describe(get_experiment(name))["networks"]
    total = networks["params_total_all_generators"]
    assert total == sum(row["params_total"] for row in networks["generators"])
    critics = sum(row["params_total"] for row in networks["critics"])
    assert (total, total + critics) == SPLIT[name]


def test_training_parameters_of_the_scored_pion_model():
    """880 541 + 835 201, as listed in the CaloChallenge results for CaloShowerGAN."""
    generator, critic = build_networks(get_experiment("pion_layernorm")).values()
    assert generator.count_params() + critic.count_params() == 1_715_742


def test_vector_lengths_are_those_of_the_detectors():
    """Photons 368 + 5 + 1, pions 533 + 7 + 1; breaks when a layer is missing from the layer-normalised vector."""
    found = {name: get_experiment(name).network.n_outputs for name in SINGLE}
    assert found["photon"] == 368
    assert found["photon_layernorm"] == 374
    assert found["pion"] == found["fastcalogan_v2_pion"] == 533
    assert found["pion_layernorm"] == 541


def test_low_energies_have_the_large_network_and_relu():
    """Authors' code: which range has which size; breaks when the two are exchanged (the sums would not tell)."""
    for name in ("photon_2gan", "photon_3gan"):
        low, *others = get_experiment(name).members
        assert (low.network.latent.size, low.network.generator_units) == (100, (100, 200, 400))
        assert (low.network.generator_activation, low.network.generator_initialiser) == ("relu", "he_uniform")
        for member in others:
            assert (member.network.latent.size, member.network.generator_units) == (50, (50, 100, 200))
            assert (member.network.generator_activation, member.network.output_activation) == ("swish", "swish")


@pytest.mark.parametrize("name", [*SINGLE, *SPLIT])
def test_the_smoke_size_has_the_networks_of_the_full_one(name):
    """Breaks when a quick experiment uses another model than the one it represents."""
    full, smoke = EXPERIMENTS[name], EXPERIMENTS[f"{name}_smoke"]
    if full.members:
        # but for the outputs, which would die at the rate of the quick schedule
        expected = [replace(member.network, output_activation="swish") for member in full.members]
        assert [member.network for member in smoke.members] == expected
    else:
        assert (full.network, full.data) == (smoke.network, smoke.data)
    trainings = [member.training for member in smoke.members] or [smoke.training]
    assert sum(training.iterations for training in trainings) <= 1_000
