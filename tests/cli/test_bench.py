"""``calosim bench``: the clocks measure what they say; no figure is asserted."""

import json

import numpy as np
import pytest

from calosim_tf.benchmark.training_step import bench_train
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.source import load_source
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector

TINY = {
    "network.generator_units": (6,),
    "network.critic_units": (7,),
    "training.batch_size": 8,
    "network.latent.size": 3,
}


@pytest.mark.slow
def test_training_ratios_are_ratios_of_readings_taken_in_turn():
    """Breaks when a ratio is taken over medians of different rounds, or a way of feeding is timed twice."""
    source = load_source([bundled_sample("photon")], get_detector("photon"))
    result = bench_train(get_experiment("photon").with_values(TINY), source, rounds=3, steps=2)
    seconds = result["seconds_per_iteration"]
    assert set(seconds) == {"keras_real_input", "keras_constant_input", "bare_constant_input"}
    for value in seconds.values():
        assert 0 < value["min"] <= value["median"] <= value["max"]
    slowest = seconds["keras_constant_input"]["max"] / seconds["bare_constant_input"]["min"]
    assert 0 < result["keras_cost"]["min"] <= result["keras_cost"]["median"] <= slowest
    assert result["threads"] >= 1


def test_generation_bench_exports_a_run_and_times_its_back_ends(calosim, finished_run):
    """Breaks when a back end is left out, or the job's events and memory are not those of the job."""
    process = calosim(
        "bench", "generate", finished_run[0], "--batch", "50", "--backend", "tf,xla", "--steps", 2, "--jobs", 1,
        "--events", 60, "--json",
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    (result,) = json.loads(process.stdout)["batches"]
    assert [(row["backend"], row["precision"]) for row in result["rows"]] == [("tf", "float32"), ("xla", "float32")]
    for row in result["rows"]:
        assert row["job"]["events"] == 60
        assert 100 < row["job"]["peak_memory_mib"] < 4000
        # a job starts a process and imports tensorflow: its share per shower dwarfs the network's
        assert row["job"]["seconds_per_shower"]["median"] > 10 * row["network_seconds_per_shower"]["median"]
        assert np.isfinite(row["network_seconds_per_shower"]["median"])


def test_steps_of_several_networks_are_taken_in_turn(calosim):
    """Breaks when memory or seconds of one network are given to another, or the ratio is turned over."""
    process = calosim("bench", "train", "photon_smoke", "conv3d_smoke", "--steps", 1, "--json")
    assert process.returncode == 0, process.stderr
    dense, cubes = json.loads(process.stdout)["rows"]
    assert (dense["experiment"], cubes["experiment"]) == ("photon_smoke", "conv3d_smoke")
    ratio = cubes["seconds_per_step"]["median"] / dense["seconds_per_step"]["median"]
    assert cubes["over_first"]["median"] == pytest.approx(ratio)
    assert dense["over_first"]["median"] == 1.0
    for row in (dense, cubes):
        assert 100 < row["memory_before_mib"] < row["peak_memory_mib"] < 4000


def test_a_split_is_not_timed_beside_others(calosim, without_tensorflow):
    """Breaks when the members of a split are taken for one network."""
    process = calosim("bench", "train", "photon", "photon_2gan", **without_tensorflow)
    assert process.returncode == 2
    assert "found the split 'photon_2gan' among several" in process.stderr
