"""Settings: overrides, conversions, and one-line errors that name key, found and expected."""

import json

import pytest

from calosim_tf.config import DenseGanNetwork, LatentLaw, dump_json, experiment_from_dict
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import EXPERIMENTS, get_experiment

PHOTON = get_experiment("photon")


def test_paper_settings_of_the_photon_gan():
    """Breaks when somebody tunes the experiment that reproduces the talk's table."""
    training, network = PHOTON.training, PHOTON.network
    assert (training.batch_size, training.critic_steps, training.generator_steps) == (1024, 8, 1)
    assert (training.iterations, training.checkpoint_every, training.penalty_weight) == (1_000_000, 1_000, 3.0)
    assert (training.learning_rate_generator, training.learning_rate_critic) == (1e-4, 1e-4)
    assert (training.beta1_generator, training.beta1_critic) == (0.5, 0.9)
    assert (training.beta2_generator, training.beta2_critic, training.epsilon) == (0.999, 0.999, 1e-7)
    assert network.latent == LatentLaw(100, 0.5, 0.5)
    assert (network.generator_initialiser, network.critic_initialiser) == ("glorot_normal", "he_uniform")
    assert (training.schedule, training.generator_average, PHOTON.run.seed) == ("constant", 0.0, 11)


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_a_stored_configuration_is_read_back_unchanged(name):
    """Breaks when a field is lost or changes type on its way through config.json."""
    experiment = EXPERIMENTS[name]
    assert experiment_from_dict(json.loads(dump_json(experiment)), "config.json") == experiment


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("training.batch_size", "256", 256),
        ("training.batch_size", "1e3", 1000),
        ("training.learning_rate_critic", "2e-4", 2e-4),
        ("training.jit_compile", "true", True),
        ("network.generator_units", "8,16", (8, 16)),
        ("network.latent.size", "7", 7),
        ("data.energy_max_mev", "4096", 4096.0),
        ("data.energy_max_mev", "none", None),
        ("network.bn_mode", "batch", "batch"),
    ],
)
def test_words_of_the_command_line_become_values_of_the_right_type(key, text, value):
    """Breaks when '256' stays a string or an integer field turns into a float."""
    changed = PHOTON.with_values({key: text})
    found = changed
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)
    assert PHOTON.with_values({}) == PHOTON


def test_values_that_are_legal_only_together_can_be_set_in_any_order():
    """Breaks when each override is validated alone."""
    changed = PHOTON.with_values({"training.schedule": "cosine", "training.schedule_iterations": "10"})
    assert changed.training.schedule_iterations == 10
    with pytest.raises(ConfigError, match=r"training\.schedule_iterations: found 0"):
        PHOTON.with_values({"training.schedule": "cosine"})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("training.batchsize", 1, r"'training\.batchsize' is unknown: did you mean 'training\.batch_size'"),
        ("batch_size", 1, "'batch_size' is unknown"),
        ("network.latent.sizes", 1, r"did you mean 'network\.latent\.size'"),
        ("network.latent", "3", "is unknown"),
        ("training.batch_size", "many", "found 'many', expected an integer"),
        ("training.batch_size", "1.5", "found '1.5', expected an integer"),
        ("training.batch_size", "0", r"training\.batch_size: found 0, expected a number >= 1"),
        ("training.learning_rate_critic", "nan", "expected a finite number"),
        ("training.learning_rate_critic", "0", "expected a number > 0"),
        ("training.beta1_critic", "1", r"expected a number in \[0, 1\)"),
        ("training.optimizer_critic", "sgd", "expected one of adam"),
        ("training.jit_compile", "maybe", "expected true or false"),
        ("network.bn_mode", "thawed", "expected one of frozen, batch"),
        ("network.generator_units", "", "expected at least one width"),
        ("network.generator_units", "8,x", "expected an integer"),
        ("data.holdout_fraction", "1", r"expected a number in \(0, 1\)"),
        ("run.seed", "-1", "expected an integer in"),
    ],
)
def test_an_illegal_setting_is_one_line_that_names_it(key, value, message):
    """Breaks when a typing mistake passes unseen or ends in a traceback of the standard library."""
    with pytest.raises(ConfigError, match=message) as caught:
        PHOTON.with_values({key: value})
    assert "\n" not in str(caught.value)


def test_energy_bounds_that_exclude_everything_are_refused():
    """Breaks when lower and upper bound are only checked one by one."""
    with pytest.raises(ConfigError, match=r"data\.energy_min_mev: found 10\.0, expected at most"):
        PHOTON.with_values({"data.energy_min_mev": 10, "data.energy_max_mev": 5})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda stored: stored.pop("training"), "not a run configuration"),
        (lambda stored: stored["network"].update(family="gan9"), "network family 'gan9' is unknown"),
        (lambda stored: stored["training"].update(batch=3), r"'training\.batch' is unknown"),
        (lambda stored: stored.update(data=[]), "not a run configuration"),
    ],
)
def test_a_damaged_configuration_file_is_named(damage, message):
    """Breaks when a hand-edited config.json gives a KeyError."""
    stored = json.loads(dump_json(PHOTON))
    damage(stored)
    with pytest.raises(ConfigError, match=message):
        experiment_from_dict(stored, "config.json")


@pytest.mark.parametrize("name", ["caloflow_photon", "caloflow_photon_student"])
def test_flows_are_refused_a_precision_before_they_are_built(name):
    """Breaks when a flow, whose layers are all its own, is built for half a minute and then refused."""
    with pytest.raises(ConfigError, match=r"training.precision: found mixed_bfloat16, which no layer of a flow can"):
        get_experiment(name).with_values({"training.precision": "mixed_bfloat16"})


def test_an_unknown_experiment_proposes_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'photon'"):
        get_experiment("photn")


def test_the_network_refuses_a_bad_layout():
    with pytest.raises(ConfigError, match=r"network\.generator_bn"):
        DenseGanNetwork(generator_bn="some")
