"""Weights of the public LHCb WGAN, from arrays written as its authors' class names them, and files that are others."""

from __future__ import annotations

import io
import zipfile

import h5py
import numpy as np
import pytest

from calosim_tf.config import LatentLaw, LhcbGanNetwork
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.experiments import get_experiment
from calosim_tf.models.lhcb_gan import build_generator
from calosim_tf.training.public_weights.lhcb import import_lhcb_weights
from calosim_tf.training.public_weights.weights_file import require_importable

LATENT, FILTERS = 3, (4, 3, 3, 2)
NETWORK = LhcbGanNetwork(latent=LatentLaw(size=LATENT, mean=0.0, std=1.0), generator_filters=FILTERS)


def state_dict(seed=0):
    """Made-up weights of the authors' class, by its names and in PyTorch's shapes."""
    rng = np.random.default_rng(seed)
    found = {"fc1.weight": rng.normal(size=(4 * FILTERS[0], LATENT + 5)), "fc1.bias": rng.normal(size=4 * FILTERS[0])}
    for stage, (before, after) in enumerate(zip(FILTERS, (*FILTERS[1:], 1), strict=True), start=1):
        found[f"conv{stage}.weight"] = rng.normal(size=(before, after, 3, 3))
        found[f"conv{stage}.bias"] = rng.normal(size=after)
        if stage < len(FILTERS):
            found |= {f"bn{stage}.{name}": rng.normal(size=after) for name in ("weight", "bias", "running_mean")}
            found[f"bn{stage}.running_var"] = rng.uniform(0.5, 2.0, after)
    counters = {f"bn{stage}.num_batches_tracked": np.int64(7) for stage in (1, 2, 3)}
    return {name: value.astype("f4") for name, value in found.items()} | counters


def transposed_convolution(image, weight, bias):
    """Of PyTorch (kernel 3, stride 2, padding 1, output padding 1), written out: (in, n, n) to (out, 2n, 2n)."""
    side = image.shape[1]
    full = np.zeros((weight.shape[1], 2 * side + 2, 2 * side + 2))
    for row in range(side):
        for column in range(side):
            stamp = np.tensordot(image[:, row, column], weight, axes=1)
            full[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += stamp
    return full[:, 1 : 2 * side + 1, 1 : 2 * side + 1] + bias[:, None, None]


def forward(weights, latent, condition):
    """The authors' generator in numpy, one shower: rows, columns."""
    x = weights["fc1.weight"] @ np.concatenate([latent, condition]) + weights["fc1.bias"]
    x = np.where(x > 0, x, 0.01 * x).reshape(FILTERS[0], 2, 2)
    for stage in range(1, len(FILTERS) + 1):
        x = transposed_convolution(x, weights[f"conv{stage}.weight"], weights[f"conv{stage}.bias"])
        if stage < len(FILTERS):
            scale = weights[f"bn{stage}.weight"] / np.sqrt(weights[f"bn{stage}.running_var"] + 1e-5)
            x = (x - weights[f"bn{stage}.running_mean"][:, None, None]) * scale[:, None, None]
            x += weights[f"bn{stage}.bias"][:, None, None]
        x = np.maximum(x, 0)
    return x[0, 1:31, 1:31]


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_imported_generator_computes_what_pytorch_does(tmp_path, prefix):
    """Breaks when a kernel is turned the wrong way, a layer exchanged, or a weight of batch normalisation forgotten."""
    weights = state_dict()
    path = tmp_path / "gen.npz"
    np.savez(path, **{prefix + name: value for name, value in weights.items()})
    generator = build_generator(NETWORK, seed=1)
    import_lhcb_weights(path, generator, len(FILTERS))
    rng = np.random.default_rng(1)
    latent, condition = rng.normal(size=(2, LATENT)).astype("f4"), rng.normal(size=(2, 5)).astype("f4")
    found = generator({"latent": latent, "condition": condition}, training=False).numpy()[..., 0]
    expected = np.stack([forward(weights, *inputs) for inputs in zip(latent, condition, strict=True)])
    assert (expected > 0).mean() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conv3.weight": None}, "found no conv3.weight among"),
        ({"conv3.weight": np.zeros((3, 2, 4, 4), "f4")}, r"found conv3.weight of shape \(3, 2, 4, 4\), expected"),
        ({"conv5.weight": np.zeros((2, 2, 3, 3), "f4")}, "found conv5.weight too"),
        ({"fc1.bias": np.full(16, np.nan, "f4")}, "found values in fc1.bias that are no finite numbers"),
    ],
)
def test_other_networks_change_nothing(tmp_path, change, words):
    """Breaks when weights of another class fill a part of the generator, or are left out without a word."""
    weights = {name: value for name, value in (state_dict() | change).items() if value is not None}
    path = tmp_path / "gen.npz"
    np.savez(path, **weights)
    generator = build_generator(NETWORK, seed=1)
    before = generator.get_weights()
    with pytest.raises(DataError, match=words):
        import_lhcb_weights(path, generator, len(FILTERS))
    for a, b in zip(before, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"0")
    return buffer.getvalue()


def keras_3(path):
    """As ``save_weights`` of Keras 3 does: numbered weights in groups named after classes."""
    with h5py.File(path, "w") as file:
        for layer in ("dense", "conv3d", "conv3d_1"):
            file[f"layers/{layer}/vars/0"], file[f"layers/{layer}/vars/1"] = np.zeros((2, 2)), np.zeros(2)


@pytest.mark.parametrize(
    ("experiment", "name", "content", "words"),
    [
        (
            "lhcb_wgan",
            "gen.pt",
            zipped("gen/data.pkl", "gen/data/0"),
            r"found weights of PyTorch, .*numpy.savez\('gen.npz'",
        ),
        (
            "lhcb_wgan",
            "gen.pt",
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
            r"found a pickle, .*numpy.savez\('gen.npz'",
        ),
        ("lhcb_wgan", "gen.pth", zipped("g/data.pkl", "g/code/model.py"), "found a compiled PyTorch program"),
        ("lhcb_wgan", "g.st", b"\x08" + bytes(7) + b'{"fc1": {}', "found weights in safetensors, .*load_file.'g.st'"),
        ("lhcb_wgan", 'a"b.pt', b"\x80\x04\x95", r"torch.load.'FILE'"),
        ("lhcb_wgan", "gen.bin", b"something", "found another file, expected an npz file of PyTorch weights"),
        ("lhcb_wgan", "w.h5", None, "found weights of Keras 3"),
        (
            "conv3d",
            "w.weights.h5",
            None,
            r"found weights of Keras 3 \(layers/.*vars/0\), which have no names, expected",
        ),
        (
            "conv3d",
            "w.keras",
            zipped("config.json", "model.weights.h5"),
            r"a model of Keras 3, .*model.save\('weights.h5'",
        ),
        (
            "conv3d",
            "gen.pt",
            zipped("gen/data.pkl"),
            "found weights of PyTorch, expected a Keras 2 weights file in HDF5",
        ),
    ],
)
def test_a_file_of_another_program_is_named(tmp_path, experiment, name, content, words):
    """Breaks when weights of Keras 3 or PyTorch give a message about something else, or no way to convert them."""
    path = tmp_path / name
    if content is None:
        keras_3(path)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        require_importable(get_experiment(experiment), path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("experiment", ["photon", "lhcb_sagan", "lhcb_sagan_sn_gd"])
def test_networks_without_public_weights_are_refused(tmp_path, experiment):
    """Breaks when a file is read for a network that it cannot fit."""
    with pytest.raises(ConfigError, match="lhcb_wgan"):
        require_importable(get_experiment(experiment), tmp_path / "absent.npz")
