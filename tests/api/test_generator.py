"""``load`` and ``generate``: the showers of the command, whatever the batch, and one line for what cannot be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

import calosim_tf
from calosim_tf.api.particles import particle_attributes
from calosim_tf.cli import main
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.geometry import get_detector

pytestmark = pytest.mark.slow
ENERGIES = np.array([300.0, 1024.0, 5000.0, 60000.0])
CALOGAN = get_detector("calogan")


@pytest.fixture(scope="module")
def generator(run_folder):
    return calosim_tf.load(run_folder)


@pytest.fixture(scope="module")
def without_tensorflow(bundle_folder):
    return calosim_tf.load(bundle_folder, threads=2)


def content(path):
    with h5py.File(path) as file:
        return {name: data[()] for name, data in file.items()}, dict(file.attrs)


@pytest.mark.parametrize(
    ("backend", "negative", "option"),
    [("tf", "zero", None), ("onnx", "scale", "--keep-energy"), ("lwtnn", "keep", "--no-clip")],
)
def test_showers_are_those_of_the_command(run_folder, bundle_folder, tmp_path, backend, negative, option):
    """Breaks when seed, batch, negative voxels or the record of a file differ between program and command."""
    source = run_folder if backend == "tf" else bundle_folder
    command = ["generate", str(source), "--backend", backend, "--energies", "1024", "60000", "--events", "7"]
    command += [
        "--seed",
        "5",
        "--batch",
        "4",
        "--out",
        str(tmp_path / "command.hdf5"),
        "-q",
        *([option] if option else []),
    ]
    assert main(command) == 0
    made = calosim_tf.load(source, backend=backend)
    showers = made.generate([1024.0, 60000.0], events=7, seed=5, batch=4, negative=negative)
    showers.save(tmp_path / "program.hdf5")
    (arrays, attributes), (expected, named) = (content(tmp_path / f"{name}.hdf5") for name in ("program", "command"))
    assert {key: value.tobytes() for key, value in arrays.items()} == {k: v.tobytes() for k, v in expected.items()}
    assert attributes == named
    assert (showers.voxels_mev.min() < 0) == (negative == "keep")
    np.testing.assert_array_equal(showers.voxels_mev, expected["showers"])


def test_batches_change_nothing(generator, without_tensorflow):
    """Breaks when a latent depends on the call that a shower is made in, or blocks come out of order."""
    for made in (generator, without_tensorflow):
        whole = made.generate(ENERGIES, events=11, seed=3).voxels_mev
        blocks = list(made.blocks(ENERGIES, events=11, seed=3, batch=5))
        pieces = np.concatenate([block.voxels_mev for block in blocks])
        np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-5 * np.abs(whole).max())
        np.testing.assert_array_equal(np.concatenate([block.energies_mev for block in blocks]), np.repeat(ENERGIES, 11))
        assert np.abs(made.generate(ENERGIES, events=11, seed=4).voxels_mev - whole).max() > 1


def test_generators_share_a_process_and_threads_a_generator(generator, without_tensorflow):
    """Breaks when a generator keeps a state between calls that another thread or generator changes."""
    expected = {seed: generator.generate(ENERGIES, seed=seed).voxels_mev for seed in range(8)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: generator.generate(ENERGIES, seed=seed).voxels_mev, range(8)))
        other = list(pool.map(lambda seed: without_tensorflow.generate(ENERGIES, seed=seed).voxels_mev, range(8)))
    for seed in range(8):
        np.testing.assert_array_equal(found[seed], expected[seed])
        np.testing.assert_allclose(other[seed], expected[seed], atol=1e-5 * expected[seed].max())


def test_info_says_what_it_is(generator, without_tensorflow, run_folder):
    """Breaks when range, experiment or back end are not those of what was loaded."""
    for made, backend in ((generator, "tf"), (without_tensorflow, "onnx")):
        info = made.info
        assert (info.experiment, info.detector, info.particle, info.n_voxels) == ("photon", "photon", "gamma", 368)
        assert (info.backend, info.precision, info.iterations, info.conditions) == (backend, "float32", (0,), {})
        low, high = info.energy_range_mev
        assert 200 < low < 300 < 60000 < high
        assert "photon, iteration 0" in repr(made)


def test_scalars_and_arrays_of_energy(generator):
    """Breaks when one energy is not one shower, or many are not one each."""
    assert generator.generate(1024).energies_mev.tolist() == [1024.0]
    assert generator.generate([1024, 2048]).energies_mev.tolist() == [1024.0, 2048.0]
    assert generator.generate(1024, events=3).energies_mev.tolist() == [1024.0] * 3
    like = generator.generate(ENERGIES, seed=1)
    assert generator.generate(like=like, seed=2).energies_mev.tolist() == ENERGIES.tolist()
    direct = calosim_tf.generate(generator, ENERGIES, seed=1)
    np.testing.assert_array_equal(direct.voxels_mev, like.voxels_mev)


def test_an_extrapolation_is_a_warning_of_the_line_that_asks(generator):
    """Breaks when the warning of the command is lost, or points into the package."""
    with pytest.warns(calosim_tf.CalosimWarning, match="MeV is outside the trained range of 256 to") as seen:
        generator.generate(1e8)
    assert [warning.filename for warning in seen] == [__file__]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"energy_mev": -5.0}, "energy_mev: found -5.0, expected incident energies in MeV, > 0"),
        ({"energy_mev": [1024.0, np.nan]}, "energy_mev: found nan, expected incident energies"),
        ({"energy_mev": "fast"}, "energy_mev: found 'fast', expected incident energies in MeV"),
        ({"energy_mev": []}, r"energy_mev: found shape \(0,\), expected one energy or a list"),
        ({"energy_mev": [[1.0, 2.0]]}, r"energy_mev: found shape \(1, 2\)"),
        ({}, "energy_mev: found none, expected incident energies in MeV"),
        ({"energy_mev": 1024.0, "seed": -1}, "seed: found -1, expected an integer >= 0"),
        ({"energy_mev": 1024.0, "seed": 0.5}, "seed: found 0.5, expected an integer"),
        ({"energy_mev": 1024.0, "events": 0}, "events: found 0, expected an integer >= 1"),
        ({"energy_mev": 1024.0, "batch": 0}, "batch: found 0, expected an integer >= 1"),
        ({"energy_mev": 1024.0, "negative": "drop"}, "negative: found 'drop', expected one of: zero, scale, keep"),
        ({"energy_mev": 1024.0, "theta_rad": 1.0}, "found 'theta_rad=1', expected NAME=VALUE with NAME one of: none"),
        ({"energy_mev": 1024.0, "layer_energies_mev": [[1.0] * 5]}, "expected a factorised generator"),
        ({"energy_mev": 1024.0, "layer_energies_mev": [[1.0]]}, r"layer_energies of shape \(1, 1\), expected"),
    ],
)
def test_what_cannot_be_is_one_line(generator, arguments, words):
    """Breaks when a mistake ends in numpy's words, or in showers of something else."""
    with pytest.raises(ConfigError if "of shape" not in words else calosim_tf.CalosimError, match=words) as caught:
        generator.generate(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("pretrained:nothing", {}, "pretrained:nothing: no such pretrained generator, expected one of: "),
        ("no/such/run", {}, "no/such/run: found no such folder"),
        (
            "pretrained:photon",
            {"backend": "fast"},
            "backend: found 'fast', expected one of: tf, xla, onnx, tflite, lwtnn",
        ),
        (
            "pretrained:photon",
            {"backend": "onnx"},
            "found the run folder pretrained:photon, expected an exported",
        ),
        ("pretrained:photon", {"precision": "int8"}, "precision: found 'int8' with back end tf"),
        ("pretrained:photon", {"threads": -1}, "threads: found -1, expected an integer >= 0"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(name, arguments, words):
    """Breaks when a wrong name is found out by TensorFlow."""
    with pytest.raises((ConfigError, RunFolderError), match=words):
        calosim_tf.load(name, **arguments)


def test_conditions_are_numbers_or_arrays():
    """Breaks when an array lands in the wrong column, or is cut or repeated to fit."""
    energy = np.array([5e3, 2e4])
    found = particle_attributes(CALOGAN, energy, {"theta_rad": [1.4, 1.5], "x0_mm": 2.0})
    assert found[:, CALOGAN.attributes.index("theta_rad")].tolist() == [1.4, 1.5]
    assert found[:, CALOGAN.attributes.index("x0_mm")].tolist() == [2.0, 2.0]
    for conditions, words in (
        ({"theta_rad": [1.4] * 3}, r"condition theta_rad: found shape \(3,\), expected one number or 2, one for each"),
        ({"theta_rad": [1.4, np.inf]}, "condition theta_rad: found inf, expected a number"),
        ({"theta_rad": "steep"}, "condition theta_rad: found 'steep', expected a number"),
        ({"theta_rad": [1.4, 90.0]}, "condition theta_rad: found 90, expected rad, above 0"),
    ):
        with pytest.raises(ConfigError, match=words):
            particle_attributes(CALOGAN, energy, conditions)


def test_nothing_is_printed(generator, capfd):
    """Breaks when a program's output is mixed with ours; on request notes go to stderr."""
    generator.generate(ENERGIES)
    assert capfd.readouterr() == ("", "")
    generator.generate(ENERGIES, progress=True)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "negative voxels were set to 0" in printed.err
