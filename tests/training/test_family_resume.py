"""Every loss in its real loop: a run that continues from a checkpoint equals the uninterrupted one bit for bit."""

import shutil
import signal
import time
from contextlib import closing
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.data.source import load_source
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.build import build_optimizer
from calosim_tf.training.loss_scale import FIRST_SCALE
from calosim_tf.training.parts import prepare
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.train import train

from .tiny_experiments import tiny

# Trains a network of each family three times
pytestmark = pytest.mark.slow

HALF = 2  # iterations before and after the checkpoint
EVENTS = 40
COSINE = {"training.schedule": "cosine", "training.schedule_iterations": 2 * HALF}
SLOTS = ("optimizer_generator/_variables/", "optimizer_critic/_variables/")
# Every kind of state: running averages, vectors u, batch statistics, slots, optimisers that are reset, an epoch that
# ends in the second half (iteration 3)
RUNS = {
    "hinge": (*tiny("hinge", {"training.critic_steps": 2}), ("/u/", "moving_mean", *SLOTS)),
    "wasserstein": (
        *tiny(
            "wasserstein",
            {"training.critic_steps": 2, "training.generator_average": 0.9, "training.generator_steps": 2},
        ),
        ("average/", "moving_mean", *SLOTS),
    ),
    # the checkpoint is in the middle of the first stage
    "cvae_cgan": (
        *tiny("cvae_cgan", {"training.cvae_iterations": HALF + 1, "training.generator_average": 0.9}),
        ("average/", "encoder/", "decoder/", "moving_mean", "optimizer_encoder/", *SLOTS),
    ),
    "calogan": (*tiny("calogan", COSINE), ("moving_mean", *SLOTS)),
    "lagan": (*tiny("lagan"), ("moving_mean", *SLOTS)),
    "ilc_wgan": (*tiny("ilc_wgan"), ("constrainer/", *SLOTS)),
    "ilc_gan": (*tiny("ilc_gan"), ("moving_mean", *SLOTS)),
    "three_d_gan": (
        "conv2d_g3",
        {
            "network.bn_mode": "batch",
            "network.output_activation": "relu",
            "training.batch_size": 2,
            "training.linear_epochs": 1,
            "training.first_energy_epochs": 1,
            "training.iterations_per_file": HALF + 1,
            "training.files_per_epoch": 1,
            "training.held_files": 0,
        },
        ("moving_mean", *SLOTS),
    ),
    "bfloat16": (
        *tiny("hinge", {"training.critic_steps": 2, "training.precision": "mixed_bfloat16"}),
        ("/u/", "moving_mean", *SLOTS),
    ),
    "float16": (
        *tiny("wasserstein", {"training.critic_steps": 2, "training.precision": "mixed_float16"}),
        ("loss_scale_critic/sound_updates", "loss_scale_generator/sound_updates", *SLOTS),
    ),
    "rmsprop": ("conv3d", COSINE | {"training.batch_size": 2}, ("moving_mean", *SLOTS)),
}


def cut_back(run, iteration):
    """The folder as a kill right behind checkpoint ``iteration`` leaves it."""
    for folder in run.checkpoints.iterdir():
        if folder.is_dir() and int(folder.name) > iteration:
            shutil.rmtree(folder)
    (run.checkpoints / "latest").write_text(f"{iteration}\n")


def saved(run, iteration):
    reader = tf.train.load_checkpoint(str(run.checkpoints / str(iteration) / "state"))
    names = [name for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name]
    return {name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): reader.get_tensor(name) for name in names}


def require_same_end(found_run, expected_run, iteration):
    """The last checkpoint and both tables, bit for bit."""
    found, expected = saved(found_run, iteration), saved(expected_run, iteration)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    for table in ("history", "selection"):
        rows = getattr(found_run, table).rows()
        assert rows == getattr(expected_run, table).rows()
        assert rows


@pytest.fixture(scope="module", params=RUNS)
def both(request, cells, store, tmp_path_factory):
    """Training settings, state at the start of the second half, at the end, and at the end of the resumed run."""
    name, settings, kinds = RUNS[request.param]
    common = {
        "training.iterations": 2 * HALF, "training.checkpoint_every": HALF, "training.log_every": 3, "run.seed": 5,
    }  # fmt: skip
    experiment = get_experiment(name).with_values(settings | common)
    folder, detector = tmp_path_factory.mktemp(request.param), get_detector(experiment.data.layout)
    source = load_source([store(folder / "cells.hdf5", cells(detector.file_layout, EVENTS))], detector)
    whole = RunFolder(folder / "whole")
    # names count from 1 as in a separate process: TensorFlow's rewriting of graphs, and so rounding, follows names
    keras.backend.clear_session()
    prepare(experiment, source, whole, resume=False, force=False)
    train(experiment, source, whole)
    resumed = RunFolder(whole.path.with_name("resumed"))
    shutil.copytree(whole.path, resumed.path)
    cut_back(resumed, HALF)
    keras.backend.clear_session()
    prepare(experiment, source, resumed, resume=True, force=False)
    train(experiment, source, resumed)
    return experiment.training, whole, resumed, kinds


def test_a_resumed_run_is_the_uninterrupted_one_bit_by_bit(both):
    """Breaks when state is left out of the checkpoint, or noise, dropout or data order has a hidden count."""
    _, whole, resumed, kinds = both
    middle, expected = saved(whole, HALF), saved(whole, 2 * HALF)
    assert expected.keys() == middle.keys()
    for kind in kinds:
        held = [name for name in expected if kind in f"{name}/"]
        assert held, f"no {kind} in the checkpoint"
        assert any(not np.array_equal(middle[name], expected[name]) for name in held), f"{kind} stood still"
    for name, value in expected.items():
        if "kernel" in name and not name.startswith("optimizer"):
            assert np.isfinite(value).all(), name
    require_same_end(resumed, whole, 2 * HALF)


# four processes that trace the step; ten times as long on cores that others use
@pytest.mark.timeout(900)
def test_killed_in_each_stage_and_resumed_bit_by_bit(new_nursery, cells, store, tmp_path):
    """Breaks when codes of showers, weights or slots of an earlier stage are lost with the process that made them."""
    name, settings = tiny(
        "bib_ae",
        {
            "network.latent_sampling": "kde",
            "network.kde_showers": 5,
            "training.autoencoder_iterations": HALF,
            "training.identity_iterations": HALF,
            "training.iterations": 3 * HALF,
            "training.schedule_iterations": 1,
            "training.checkpoint_every": HALF,
            "training.log_every": 1,
            "data.holdout_fraction": 0.2,
        },
    )
    words = [
        f"{key}={','.join(map(str, value)) if isinstance(value, tuple) else value}" for key, value in settings.items()
    ]
    data = store(tmp_path / "cells.hdf5", cells("ilc", EVENTS))
    command = ["train", name, "--data", data, "--no-report", "--resume", "--set", *words, "--out"]
    whole, killed = (RunFolder(tmp_path / run) for run in ("whole", "killed"))
    with closing(new_nursery(tmp_path)) as nursery:
        code, messages = nursery.run(*command, whole.path)
        assert code == 0, messages
        for border in (HALF, 2 * HALF):
            child, deadline = nursery.start(*command, killed.path), time.monotonic() + 120
            while not (killed.checkpoints / str(border)).exists():
                assert time.monotonic() < deadline, child.messages()
                time.sleep(0.005)
            child.signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
        code, messages = nursery.run(*command, killed.path)
        assert code == 0, messages
    require_same_end(killed, whole, 3 * HALF)
    state = saved(whole, 3 * HALF)
    for part in ("/codes", "optimizer_generator/_variables/", "optimizer_encoder/_variables/"):
        values = [value for key, value in state.items() if part in f"{key}/"]
        assert any(np.any(value) for value in values), f"{part} is empty"
        assert all(np.isfinite(value).all() for value in values), part


def test_optimisers_count_the_steps_that_the_settings_say(both):
    """Breaks when an update takes another number of optimiser steps than schedules are stretched by."""
    training, whole, _, _ = both
    state = saved(whole, 2 * HALF)
    for network in ("generator", "critic"):
        counted = sum(stage.last - stage.first for stage in training.stages if network in stage.networks)
        if getattr(training, "reset_each_file", False):
            counted %= training.iterations_per_file
        steps = counted * training.optimizer_steps_per_iteration(network)
        if training.precision == "mixed_float16":
            # each update that overflowed has halved the scale
            steps -= round(np.log2(FIRST_SCALE / state[f"loss_scale_{network}/scale"]))
        assert state[f"optimizer_{network}/_iterations"] == steps
        if training.schedule == "cosine":
            # rate of the last step made
            progress = (steps - 1) / steps
            rate = getattr(training, f"learning_rate_{network}") * (1 + np.cos(np.pi * progress)) / 2
            assert state[f"optimizer_{network}/_current_learning_rate"] == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize("name", ["photon", "lhcb_sagan", "conditional_calogan_eplus", "calogan_eplus", "conv3d"])
@pytest.mark.parametrize("network", ["generator", "critic"])
def test_schedules_are_stretched_by_the_steps_of_an_iteration(name, network):
    """Breaks when a cyclical or cosine schedule of the critic runs at another pace than that of the generator."""
    training = replace(get_experiment(name).training, schedule="cyclical", schedule_iterations=10, schedule_floor=0.0)
    optimizer = build_optimizer(training, network)
    schedule = optimizer._learning_rate
    per_iteration = {"photon": (1, 8), "lhcb_sagan": (1, 3), "conv3d": (2, 2)}.get(name, (2, 2))
    turn = 5 * per_iteration[network == "critic"]
    full = getattr(training, f"learning_rate_{network}")
    assert float(schedule(turn)) == pytest.approx(full)
    assert float(schedule(turn // 2)) < 0.6 * full
    assert float(schedule(2 * turn)) == pytest.approx(0.0, abs=1e-3 * full)


def test_a_schedule_and_forgetful_optimisers_are_refused():
    """Breaks when a cosine schedule silently restarts with every file."""
    settings = COSINE | {"training.file_decay": 0.0}
    with pytest.raises(ConfigError, match=r"training\.schedule: found 'cosine' with training\.reset_each_file"):
        get_experiment("conv2d_g1").with_values(settings)
