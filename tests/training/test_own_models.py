"""Models without a critic, and in stages, each in one separate file, through real processes."""

import functools
import json
import os
import signal
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.files import IterationTable
from calosim_tf.geometry import PHOTON

MODELS = ("vae", "energy_first")
# of the processes that run calosim here
_nurseries = []


@pytest.fixture(scope="module", autouse=True)
def nursery(new_nursery, tmp_path_factory):
    """Processes that find the models, forked from one that has imported TensorFlow."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    _nurseries.append(new_nursery(tmp_path_factory.mktemp("nursery"), {**os.environ, "PYTHONPATH": path}))
    yield
    _nurseries.pop().close()


def calosim(model, *arguments, **environment):
    """A finished process of ``calosim`` that knows the model."""
    child = _nurseries[0].start(*arguments, imports=[f"own_models.{model}"], **environment)
    code = child.wait()
    return subprocess.CompletedProcess(arguments, code, child.output.read_text(), child.messages())


def done(model, *arguments, **environment):
    process = calosim(model, *arguments, **environment)
    assert process.returncode == 0, process.stderr[-3000:]
    return process


def train(model, run, *options, **environment):
    return done(model, "train", model, "--out", run, "--no-report", "--resume", *options, **environment)


def state(run):
    """Every tensor of the newest checkpoint, by name."""
    newest = (run / "checkpoints" / "latest").read_text().strip()
    reader = tf.train.load_checkpoint(str(run / "checkpoints" / newest / "state"))
    names = [name for name in reader.get_variable_to_dtype_map() if not name.startswith("_CHECKPOINTABLE")]
    return {name: reader.get_tensor(name) for name in sorted(names)}


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    """Run folder of a model by name, trained once."""

    @functools.cache
    def trained_run(model):
        run = tmp_path_factory.mktemp(model) / "run"
        train(model, run)
        return run

    return trained_run


@pytest.fixture(scope="module")
def points_of(tmp_path_factory):
    """Number of points where a training of a model, by name, can be killed."""

    @functools.cache
    def count(model):
        folder = tmp_path_factory.mktemp(f"{model}_points")
        train(model, folder / "run", CALOSIM_FAULT_LOG=str(folder / "points"))
        return len((folder / "points").read_text().splitlines())

    return count


@pytest.fixture(params=MODELS)
def trained(request, run_of):
    return request.param, run_of(request.param)


def test_every_network_has_its_optimiser_and_no_other_is_there(trained):
    """Breaks when a critic is taken for granted, or a network is left out of the state."""
    model, run = trained
    networks = {"vae": {"generator", "encoder"}, "energy_first": {"generator", "critic", "energy", "average"}}[model]
    optimisers = {f"optimizer_{name}" for name in networks - {"average"}}
    found = {name.split("/")[0] for name in state(run)}
    # a part of the generator is stored once, under one of its two names
    assert found | {"energy"} & networks == networks | optimisers | {"iteration"} | {"save_counter"} & found


# points that are passed in the first stage, at the border (with its checkpoints) and in the second
@pytest.mark.parametrize("share", [0.35, 0.5, 0.8])
def test_killed_and_resumed_it_equals_the_run_that_was_not(trained, points_of, tmp_path, share):
    """Breaks when anything the next iteration depends on, the stage among it, is not in the checkpoint."""
    model, straight = trained
    number = int(share * points_of(model))
    run = tmp_path / "run"
    killed = calosim(model, "train", model, "--out", run, "--no-report", "--resume", CALOSIM_FAULT=f"SIGKILL:{number}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    train(model, run)
    expected, found = state(straight), state(run)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    for table in ("history.csv", "selection.csv"):
        assert (run / table).read_bytes() == (straight / table).read_bytes()


def test_history_and_selection_know_the_stage(run_of):
    """Breaks when terms of two stages are averaged together, or a generator that was not trained is selected."""
    run = run_of("energy_first")
    rows = IterationTable(run / "history.csv").rows()
    # a row every 2 iterations and one where the first stage ends
    assert [int(row["iteration"]) for row in rows] == [2, 3, 4, 6]
    assert [bool(row["energy_loss_square"]) for row in rows] == [True, True, False, False]
    assert [bool(row["critic_loss_real"]) for row in rows] == [False, False, True, True]
    assert [int(row["iteration"]) for row in IterationTable(run / "selection.csv").rows()] == [4, 6, 7]


@pytest.mark.slow
def test_the_first_stage_trains_its_network_alone_and_the_second_leaves_it(tmp_path):
    """Breaks when a stage changes a network that is not its own, or the energy as a part of the generator."""
    start, border, end = (tmp_path / name for name in ("start", "border", "end"))
    for run, iterations in ((start, 1), (border, 3), (end, 7)):
        train("energy_first", run, "--iterations", iterations)
    before, between, after = (energy_and_rest(run) for run in (start, border, end))
    assert changed(before[0], between[0])
    assert not changed(before[1], between[1])
    assert not changed(between[0], after[0])
    assert changed(between[1], after[1])


def energy_and_rest(run):
    """Weights of the energy's part of the generator, and those of its other layers and of the critic, by name."""
    weights = {
        name: value
        for name, value in state(run).items()
        if name.startswith(("generator/", "critic/", "energy/")) and ".OPTIMIZER_SLOT" not in name
    }
    part = {name: value for name, value in weights.items() if value.shape in ((4, 4), (4,), (4, 1), (1,))}
    return part, {name: value for name, value in weights.items() if name not in part}


def changed(first, second):
    assert first
    assert first.keys() == second.keys()
    return any((first[name] != second[name]).any() for name in first)


def test_two_replicas_learn_what_one_learns(trained, tmp_path):
    """Breaks when the stage or the terms of a model are not those of the global batch."""
    model, alone = trained
    shared = tmp_path / "shared"
    train(model, shared, "--strategy", "mirrored", CALOSIM_VIRTUAL_DEVICES="2")
    expected, found = state(alone), state(shared)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6, err_msg=name)


def test_it_generates_and_its_export_makes_the_same_showers(trained, tmp_path):
    """Breaks when an auxiliary model is needed to generate, or a part of the generator is lost in the export."""
    model, run = trained
    options = ("--energies", "1024", "65536", "--events", "3", "--seed", "4")
    done(model, "generate", run, *options, "--out", tmp_path / "own.hdf5")
    done(model, "export", run, "--format", "onnx,tflite", "--out", tmp_path / "bundle")
    for backend in ("onnx", "tflite"):
        out = tmp_path / f"{backend}.hdf5"
        done(model, "generate", tmp_path / "bundle", *options, "--backend", backend, "--out", out)
        with h5py.File(tmp_path / "own.hdf5") as own, h5py.File(out) as exported:
            showers = own["showers"][:]
            assert showers.shape[1] == PHOTON.n_voxels
            assert showers.sum() > 0
            np.testing.assert_allclose(exported["showers"][:], showers, rtol=1e-4, atol=1e-3)


def test_info_lists_the_networks_by_name(trained):
    """Breaks when the description of an experiment names a critic that is not there, or leaves out an encoder."""
    model, _ = trained
    networks = json.loads(done(model, "info", model, "--json").stdout)["networks"]
    assert set(networks) == {"vae": {"generator", "encoder"}, "energy_first": {"generator", "critic", "energy"}}[model]


def test_a_loss_that_trains_a_network_which_is_not_there_is_one_line(tmp_path):
    """Breaks when an algorithm and a family that do not fit end in a traceback."""
    process = calosim("vae", "train", "photon", "--set", "training.algorithm=vae", "--out", tmp_path / "run")
    assert process.returncode == 2
    assert len(process.stderr.strip().splitlines()) == 1


def test_a_student_learns_from_the_run_that_its_settings_name(run_of, tmp_path):
    """Breaks when the teacher is not the best checkpoint of that run, is trained along, or may change unseen."""
    teacher = run_of("vae")
    run, taught = tmp_path / "run", ("--set", f"training.teacher={teacher}")
    train("student", run, *taught)
    rows = IterationTable(run / "history.csv").rows()
    assert float(rows[-1]["generator_loss_square"]) < 0.5 * float(rows[0]["generator_loss_square"])
    best = (teacher / "checkpoints" / "best").read_text().strip()
    sums = json.loads((teacher / "checkpoints" / best / "manifest.json").read_text())["sha256"]
    record = json.loads((run / "data.json").read_text())["teacher"]
    assert record == {"run": str(teacher), "iteration": int(best), "sha256": sums}
    assert not any("teacher" in name for name in state(run))
    other = tmp_path / "other"
    train("vae", other, "--seed", "7")
    changed = calosim("student", *("train", "student", "--out", run, "--resume", "--set", f"training.teacher={other}"))
    assert changed.returncode == 2
    assert "was begun with another teacher" in changed.stderr


@pytest.mark.parametrize("teacher", ["", "nowhere"])
def test_a_student_without_a_teacher_is_one_line(tmp_path, teacher):
    """Breaks when a missing teacher is a traceback, or leaves half a run."""
    run = tmp_path / "run"
    process = calosim("student", "train", "student", "--out", run, "--set", f"training.teacher={teacher}")
    assert process.returncode == 2
    assert process.stderr.strip().splitlines()[-1].startswith("calosim: error: training.teacher: found")
    assert not (run / "config.json").exists()
