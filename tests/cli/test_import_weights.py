"""``calosim import-weights``: a made-up public weights file becomes a run that generates."""

import hashlib
import json

import h5py
import numpy as np
import pytest

from calosim_tf.config import Conv3dGanNetwork, LhcbGanNetwork
from calosim_tf.latents import draw_latents
from calosim_tf.models.conv3d_3dgan import build_generator
from calosim_tf.models.lhcb_gan import build_generator as build_lhcb_generator
from calosim_tf.training.public_weights.conv3d import import_weights as fill

FILTERS = 64
LAYOUT = {
    "dense_1": {"kernel": (200, 3136), "bias": (3136,)},
    "conv3d_1": {"kernel": (6, 6, 8, 8, FILTERS), "bias": (FILTERS,)},
    "batch_normalization_1": dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (FILTERS,)),
    "conv3d_2": {"kernel": (6, 5, 8, FILTERS, 6), "bias": (6,)},
    "batch_normalization_2": dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (6,)),
    "conv3d_3": {"kernel": (3, 3, 8, 6, 6), "bias": (6,)},
    "conv3d_4": {"kernel": (2, 2, 2, 6, 1)},
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """As Keras 2 writes it: group of the layer, in it the full name of each weight; the last kernel is 0 but for 1."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("weights") / "public.hdf5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in LAYOUT]
        for layer, tensors in LAYOUT.items():
            for name, shape in tensors.items():
                file[f"{layer}/{layer}/{name}:0"] = rng.uniform(0.001, 0.002, shape).astype("f4")
    return path


def import_weights(calosim, path, out, *more, **environment):
    return calosim("import-weights", path, "--experiment", "conv3d", "--out", out, *more, **environment)


def test_imported_weights_generate(calosim, weights, tmp_path):
    """Breaks when a record is missing that generation reads, the checksum is of another file, or the showers are not
    those of the weights in the file.
    """
    run = tmp_path / "run"
    process = import_weights(calosim, weights, run, "--set", "network.first_filters=64")
    assert process.returncode == 0, process.stderr
    record = json.loads((run / "data.json").read_text())["imported_weights"]
    assert record["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert record["name"] == "public.hdf5"
    again = import_weights(calosim, weights, run, "--set", "network.first_filters=64")
    assert again.returncode == 2
    assert "expected a new folder" in again.stderr
    out = tmp_path / "showers.hdf5"
    process = calosim("generate", run, "--energies", 100000, "--events", 2, "--out", out)
    assert process.returncode == 0, process.stderr
    assert "warning" not in process.stderr
    with h5py.File(out) as file:
        assert file["ECAL"].shape == (2, 25, 25, 25)
        assert "imported weights" in file.attrs["source"]
        showers = file["ECAL"][:]
    network = Conv3dGanNetwork(first_filters=FILTERS)
    generator = build_generator(network, seed=9)
    fill(weights, generator)
    inputs = {"latent": draw_latents(network.latent, 0, 0, 2), "condition": np.ones((2, 1), "f4")}
    expected = generator(inputs, training=False).numpy()
    assert (expected > 0).mean() > 0.1
    np.testing.assert_allclose(showers, expected, atol=1e-4 * expected.max())


WRONG = {
    "shapes": ("public.hdf5", [], "found conv3d_1/kernel of shape (6, 6, 8, 8, 64), expected (6, 6, 8, 8, 32)"),
    "names": ("names.hdf5", [], "found no dense_1/kernel among 1 tensors"),
    "text": ("text.hdf5", [], "is not HDF5"),
    "absent": ("absent.hdf5", [], "found no file"),
    "network": ("public.hdf5", ["--experiment", "conv2d_g1"], "weights can be imported for conv3d and lhcb_wgan only"),
    "setting": ("public.hdf5", ["--set", "network.first_filter=64"], "network.first_filter"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_does_not_fit_is_one_line(calosim, weights, tmp_path, case):
    """Breaks when a wrong file ends in a traceback or leaves a run folder behind."""
    name, more, words = WRONG[case]
    path = weights if name == weights.name else tmp_path / name
    if case == "names":
        with h5py.File(path, "w") as file:
            file["other/kernel:0"] = np.zeros(3, "f4")
    elif case == "text":
        path.write_text("not HDF5")
    process = import_weights(calosim, path, tmp_path / "run", *more)
    assert process.returncode == 2, process.stderr
    assert process.stderr.count("\n") == 1, process.stderr
    assert words in process.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name] * (path.parent == tmp_path and path.exists())


def test_pytorch_weights_are_refused_without_tensorflow(calosim, without_tensorflow, tmp_path):
    """Breaks when the answer to a file of the wrong kind takes the start of TensorFlow (17 s, it was)."""
    path = tmp_path / "gen.pt"
    path.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
    out = tmp_path / "run"
    process = calosim("import-weights", path, "--experiment", "lhcb_wgan", "--out", out, **without_tensorflow)
    assert process.returncode == 2, process.stderr
    assert process.stderr.count("\n") == 1, process.stderr
    assert "found a pickle, as of PyTorch, expected an npz file of PyTorch weights: python -c" in process.stderr
    assert not out.exists()


def test_lhcb_weights_generate(calosim, tmp_path):
    """Breaks when a run of imported LHCb weights standardises conditions or cannot generate."""
    generator = build_lhcb_generator(LhcbGanNetwork(), seed=4)
    names = {"dense": "fc1"} | {f"stage_{i}": f"conv{i}" for i in (1, 2, 3, 4)}
    arrays = {}
    for layer, module in names.items():
        kernel, bias = (variable.numpy() for variable in generator.get_layer(layer).weights)
        arrays |= {f"{module}.weight": kernel.T if layer == "dense" else kernel.transpose(3, 2, 0, 1)}
        arrays |= {f"{module}.bias": bias}
    for stage in (1, 2, 3):
        parts = ("weight", "bias", "running_mean", "running_var")
        values = generator.get_layer(f"stage_{stage}_bn").get_weights()
        arrays |= {f"bn{stage}.{part}": value for part, value in zip(parts, values, strict=True)}
    np.savez(tmp_path / "gen.npz", **arrays)
    run, out = tmp_path / "run", tmp_path / "showers.hdf5"
    process = calosim("import-weights", tmp_path / "gen.npz", "--experiment", "lhcb_wgan", "--out", run)
    assert process.returncode == 0, process.stderr
    assert json.loads((run / "config.json").read_text())["data"]["standardize_conditions"] is False
    process = calosim("generate", run, "--energies", 20000, "--events", 2, "--out", out)
    assert process.returncode == 0, process.stderr
    condition = np.tile(np.float32([0, 0, 20, 0, 0]), (2, 1))
    logs = generator({"latent": draw_latents(LhcbGanNetwork().latent, 0, 0, 2), "condition": condition}).numpy()
    with h5py.File(out) as file:
        np.testing.assert_allclose(file["EnergyDeposit"][:], np.expm1(logs), rtol=1e-4, atol=1e-5)
