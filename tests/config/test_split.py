"""Settings of experiments with several generators."""

import json

import pytest

from calosim_tf.config import Member, SplitExperiment, dump_json, experiment_from_dict
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment

SPLIT = get_experiment("photon_3gan")


def test_ranges_share_their_edges():
    """Talk: up to 4.096 GeV, 4.096 to 262.144 GeV and from there, inclusive on both sides."""
    found = [(member.name, member.energy_min_mev, member.energy_max_mev) for member in SPLIT.members]
    assert found == [("low", None, 4096.0), ("mid", 4096.0, 262144.0), ("high", 262144.0, None)]


def test_a_shared_key_reaches_every_member_and_an_own_key_one():
    """Breaks when the order of --set decides, or a member's setting leaks into the others."""
    changed = SPLIT.with_values({
        "members.low.training.batch_size": "64", "training.batch_size": "256", "members.mid.energy_max_mev": "1e5",
        "members.high.energy_min_mev": "1e5", "network.latent.size": "9", "data.holdout_fraction": "0.5",
    })  # fmt: skip
    assert [member.training.batch_size for member in changed.members] == [64, 256, 256]
    assert [member.network.latent.size for member in changed.members] == [9, 9, 9]
    assert [member.network.generator_units for member in changed.members] == [
        member.network.generator_units for member in SPLIT.members
    ]
    assert [member.range_mev[1] for member in changed.members] == [4096.0, 1e5, float("inf")]
    assert changed.data.holdout_fraction == 0.5
    assert experiment_from_dict(json.loads(dump_json(changed)), "config.json") == changed


def test_a_member_by_itself_has_its_range_and_the_data_of_the_whole():
    """Breaks when a bound on the whole is lost in a member, or widens it."""
    whole = SPLIT.with_values({"data.energy_min_mev": 1000, "data.energy_max_mev": 1e5, "run.seed": 7})
    low, mid = (whole.experiment(member) for member in whole.members[:2])
    assert (low.data.energy_min_mev, low.data.energy_max_mev) == (1000.0, 4096.0)
    assert (mid.data.energy_min_mev, mid.data.energy_max_mev) == (4096.0, 1e5)
    assert (low.name, low.run.seed, low.data.layout) == ("photon_3gan/low", 7, "photon")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("members.lo.training.batch_size", 1, r"did you mean 'members\.low\.training\.batch_size'"),
        ("members.low.data.layout", "pion", "is unknown"),
        ("members.low.network.bn_mode", "thawed", "expected one of frozen, batch"),
        ("members.mid.energy_min_mev", 3e5, r"members\.mid\.energy_min_mev: found 300000\.0, expected at most"),
        ("members.low.energy_min_mev", 4096, r"members\.mid\.energy_min_mev.*ascending order"),
        ("training.batch_size", "x", "expected an integer"),
    ],
)
def test_an_illegal_setting_of_a_split_is_one_line(key, value, message):
    with pytest.raises(ConfigError, match=message):
        SPLIT.with_values({key: value})


def test_damaged_member_tables_are_named():
    stored = json.loads(dump_json(SPLIT))
    stored["members"]["low"]["network"]["family"] = "gan9"
    with pytest.raises(ConfigError, match="network family 'gan9' is unknown"):
        experiment_from_dict(stored, "config.json")
    del stored["members"]["low"]["network"]
    with pytest.raises(ConfigError, match="not a run configuration"):
        experiment_from_dict(stored, "config.json")


def test_layer_settings_that_do_not_fit_are_refused():
    layernorm = get_experiment("photon_layernorm")
    with pytest.raises(ConfigError, match=r"network\.n_outputs: found 374, expected 373"):
        layernorm.with_values({"network.layer_sizes": "7,160,190,5,5"})
    with pytest.raises(ConfigError, match=r"network\.layer_gate: found true"):
        get_experiment("photon").with_values({"network.layer_gate": True})


def test_a_range_in_words():
    network = SPLIT.members[0].network
    assert Member("a", network, 1.0, 2.0).range_words == "from 1 MeV up to 2 MeV"
    assert Member("a", network, None, 2.0).range_words == "up to 2 MeV"
    assert Member("a", network).range_words == "all energies"
    assert isinstance(SPLIT, SplitExperiment)
