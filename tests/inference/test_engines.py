"""Networks in ONNX Runtime and the TensorFlow Lite interpreter, on several threads, against Keras."""

import sys
from functools import cache
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from calosim_tf.config import LatentLaw
from calosim_tf.data.transforms import KineticNormalisation
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.export.onnx import onnx_model
from calosim_tf.export.tflite import float_model
from calosim_tf.geometry import PHOTON
from calosim_tf.inference.bundle import joined
from calosim_tf.inference.engine_sampler import EngineSampler
from calosim_tf.inference.onnx import OnnxEngine
from calosim_tf.inference.parallel import ParallelNetwork
from calosim_tf.inference.tflite import TfliteEngine
from calosim_tf.shower_generator import ShowerGenerator

LATENT = LatentLaw(size=5)
N_VOXELS = PHOTON.n_voxels
ENERGY = np.geomspace(256.0, 65536.0, 150)


def dense_network() -> keras.Model:
    latent, condition = keras.Input((LATENT.size,), name="latent"), keras.Input((1,), name="condition")
    x = keras.layers.Concatenate()([latent, condition])
    x = keras.layers.Dense(9, "swish", kernel_initializer=keras.initializers.GlorotNormal(1))(x)
    x = keras.layers.Dense(N_VOXELS, "swish", kernel_initializer=keras.initializers.GlorotNormal(2), name="showers")(x)
    return keras.Model({"latent": latent, "condition": condition}, x)


def cube_network() -> keras.Model:
    """Three axes of output, and the condition enters after the latent."""
    latent, condition = keras.Input((LATENT.size,), name="latent"), keras.Input((1,), name="condition")
    x = keras.layers.Dense(4 * 4 * 4 * 2, kernel_initializer=keras.initializers.GlorotNormal(3))(latent)
    x = keras.layers.Conv3DTranspose(2, 3, 2, "same", kernel_initializer=keras.initializers.GlorotNormal(4))(
        keras.layers.Reshape((4, 4, 4, 2))(x)
    )
    x = keras.layers.Conv3D(1, 3, padding="same", kernel_initializer=keras.initializers.GlorotNormal(5))(x)
    x = keras.layers.Multiply(name="showers")(
        [keras.layers.Reshape((8, 8, 8))(x), keras.layers.Reshape((1, 1, 1))(condition)]
    )
    return keras.Model({"latent": latent, "condition": condition}, x)


@cache
def made(build) -> tuple[keras.Model, dict[str, object]]:
    """Network and its engines; converting costs seconds."""
    network = build()
    shape = tuple(network.output.shape[1:])
    models = {batch: float_model(network, batch) for batch in (1, 16)}
    return network, {
        "onnx": OnnxEngine(onnx_model(network), (LATENT.size, 1), shape),
        "tflite": TfliteEngine(models),
    }


@pytest.fixture(scope="module")
def dense():
    pytest.importorskip("tf2onnx")
    return made(dense_network)


def sampler(engine, threads=2, call_rows=None) -> EngineSampler:
    network = ParallelNetwork(engine, threads, N_VOXELS)
    network.call_rows = call_rows or network.call_rows
    return EngineSampler(network, LATENT, KineticNormalisation(0.0, 256.0, 65536.0), PHOTON)


@pytest.mark.parametrize("build", [dense_network, pytest.param(cube_network, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_engines_give_the_network_s_numbers(build):
    """Breaks when inputs are exchanged, axes of an output are lost, or filled-up rows reach the result."""
    pytest.importorskip("tf2onnx")
    network, engines = made(build)
    rng = np.random.default_rng(0)
    for name, engine in engines.items():
        for n in (1, 3, 70):
            latent, condition = rng.normal(size=(n, LATENT.size)).astype("f4"), rng.uniform(0.1, 1, (n, 1)).astype("f4")
            found = ParallelNetwork(engine, 2, N_VOXELS).call_on(latent, condition)()
            expected = network({"latent": latent, "condition": condition}).numpy().reshape(n, -1)
            np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(), err_msg=f"{name}, {n}")


@pytest.mark.parametrize("backend", ["onnx", "tflite"])
@pytest.mark.parametrize(("batch", "call_rows"), [(1, 8), (7, 16), (None, 16), (40, 13)])
def test_showers_do_not_depend_on_back_end_or_batch(dense, backend, batch, call_rows):
    """Breaks when a latent follows from anything but the shower's place, or blocks come out of order."""
    network, engines = dense
    expected = np.concatenate(
        list(ShowerGenerator(network, LATENT, KineticNormalisation(0.0, 256.0, 65536.0), PHOTON).blocks(ENERGY, 5))
    )
    found = np.concatenate(list(sampler(engines[backend], call_rows=call_rows).blocks(ENERGY, 5, batch)))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_showers_of_given_latents_are_those_of_their_rows(dense):
    """What a split calls; breaks when threads exchange their rows."""
    _, engines = dense
    latent = np.random.default_rng(1).normal(size=(len(ENERGY), LATENT.size)).astype("f4")
    several, one = (sampler(engines["onnx"], threads, 16).showers(ENERGY, latent) for threads in (3, 1))
    np.testing.assert_allclose(several, one, rtol=1e-5, atol=1e-5)


def test_a_reader_may_stop_early(dense):
    """Breaks when blocks made ahead keep the process alive or raise at the end."""
    _, engines = dense
    blocks = sampler(engines["onnx"], call_rows=8).blocks(ENERGY, 0, 8)
    assert len(next(blocks)) == 16
    blocks.close()


def test_an_error_in_a_thread_reaches_the_caller(dense):
    """Breaks when a failed call leaves uninitialised memory as a shower."""
    _, engines = dense
    broken = sampler(engines["onnx"])
    broken.normalisation = None
    with pytest.raises(AttributeError):
        list(broken.blocks(ENERGY, 0))


@pytest.mark.parametrize(
    ("package", "extra", "make"),
    [
        ("onnxruntime", "onnx", lambda: OnnxEngine(b"", (1, 1), (1,))),
        ("ai_edge_litert.interpreter", "tflite", lambda: TfliteEngine({1: b""})),
    ],
)
def test_a_missing_extra_is_named(monkeypatch, package, extra, make):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"pip install 'calosim-tf\[{extra}\]'"):
        make()


def test_what_is_no_network_is_one_line():
    pytest.importorskip("onnxruntime")
    with pytest.raises(RunFolderError, match="ONNX Runtime cannot load it"):
        OnnxEngine(b"no network", (1, 1), (1,))


def test_networks_of_a_split_share_the_energies():
    """Breaks when an open end is read as a number, or the order is lost."""
    networks = tuple(
        SimpleNamespace(name=name, energy_range_mev=ends)
        for name, ends in (("low", (None, 4096.0)), ("high", (4096.0, None)))
    )
    found = joined(SimpleNamespace(networks=networks), lambda network: network.name)
    assert found.members == ((float("-inf"), 4096.0, "low"), (4096.0, float("inf"), "high"))
    # one network with a range stays within it, one without is itself
    alone = joined(SimpleNamespace(networks=networks[:1]), lambda network: network.name)
    assert alone.members == ((float("-inf"), 4096.0, "low"),)
    whole = (SimpleNamespace(name="whole", energy_range_mev=None),)
    assert joined(SimpleNamespace(networks=whole), lambda network: network.name) == "whole"
