"""Public weights of the Conv3D generator, from files written in their layout."""

import hashlib

import h5py
import numpy as np
import pytest

from calosim_tf.config.conv3d_network import Conv3dGanNetwork
from calosim_tf.errors import DataError, RunFolderError
from calosim_tf.experiments import get_experiment
from calosim_tf.models.conv3d_3dgan import build_generator
from calosim_tf.training.load import load_generator
from calosim_tf.training.public_weights.conv3d import import_weights
from calosim_tf.training.public_weights.imported_run import write_imported_run
from calosim_tf.training.run_folder import RunFolder

NETWORK = Conv3dGanNetwork(first_filters=64)
# Layer table of the public code: name -> weights with their shapes.
LAYOUT = {
    "dense_1": {"kernel": (200, 3136), "bias": (3136,)},
    "conv3d_1": {"kernel": (6, 6, 8, 8, 64), "bias": (64,)},
    "batch_normalization_1": dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (64,)),
    "conv3d_2": {"kernel": (6, 5, 8, 64, 6), "bias": (6,)},
    "batch_normalization_2": dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (6,)),
    "conv3d_3": {"kernel": (3, 3, 8, 6, 6), "bias": (6,)},
    "conv3d_4": {"kernel": (2, 2, 2, 6, 1)},
}


def made_up(seed=0):
    """Positive small numbers for every weight, so that variances are legal."""
    rng = np.random.default_rng(seed)
    return {
        layer: {name: rng.uniform(0.01, 0.1, shape).astype("f4") for name, shape in weights.items()}
        for layer, weights in LAYOUT.items()
    }


def write(path, weights, inside=""):
    """As ``save_weights`` of Keras 2 does: group of the layer, in it the full name of each weight."""
    with h5py.File(path, "w") as file:
        root = file.create_group(inside) if inside else file
        root.attrs["layer_names"] = [name.encode() for name in weights]
        for layer, tensors in weights.items():
            group = root if inside.endswith("sequential_1") else root.create_group(layer)
            for name, value in tensors.items():
                group[f"{layer}/{name}:0"] = value
    return path


@pytest.fixture
def generator():
    return build_generator(NETWORK, seed=1)


@pytest.mark.parametrize("inside", ["", "model_weights", "sequential_1"])
def test_every_weight_arrives_at_its_place(tmp_path, generator, inside):
    """Breaks when layers are matched by order, gamma and beta are exchanged, or a nested model is not found."""
    weights = made_up()
    import_weights(write(tmp_path / "w.hdf5", weights, inside), generator)
    for layer, tensors in weights.items():
        expected = list(tensors.values())  # Keras' order: kernel, bias; gamma, beta, mean, variance
        for found, value in zip(generator.get_layer(layer).get_weights(), expected, strict=True):
            np.testing.assert_array_equal(found, value)
    assert sum(value.size for tensors in weights.values() for value in tensors.values()) == 872_948


def test_the_run_around_a_file_has_its_weights_and_energies(tmp_path):
    """Breaks when the run keeps its initial weights, or takes energies as the file's network never saw them."""
    path, weights = tmp_path / "w.hdf5", made_up()
    experiment = get_experiment("conv3d").with_values({"network.first_filters": 64})
    write(path, weights)
    run = RunFolder(tmp_path / "run")
    write_imported_run(path, experiment, run.path)
    loaded, iterations = load_generator(run)
    assert iterations == (0,)
    for layer, tensors in weights.items():
        for found, value in zip(loaded.network.get_layer(layer).get_weights(), tensors.values(), strict=True):
            np.testing.assert_array_equal(found, value)
    np.testing.assert_allclose(loaded.condition(np.array([2e3, 1e5])), [[0.02], [1.0]], rtol=1e-6)
    assert loaded.outside_trained_range(np.array([1e3, 2e3, 5e5, 6e5])).tolist() == [1e3, 6e5]
    assert run.data()["imported_weights"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(RunFolderError, match="exists, expected a new folder"):
        write_imported_run(path, experiment, run.path)


def test_channels_first_columns_are_reordered(tmp_path, generator):
    """Breaks when the 3136 numbers of the dense layer become another 7 x 7 x 8 x 8 image than they were."""
    weights = made_up()
    import_weights(write(tmp_path / "w.hdf5", weights), generator, channels_first=True)
    kernel, bias = generator.get_layer("dense_1").get_weights()
    old = weights["dense_1"]["kernel"][3].reshape(8, 7, 7, 8)
    new = kernel[3].reshape(7, 7, 8, 8)
    assert new[1, 2, 5, 7] == old[7, 1, 2, 5]
    np.testing.assert_array_equal(new, old.transpose(1, 2, 3, 0))
    np.testing.assert_array_equal(
        bias.reshape(7, 7, 8, 8), weights["dense_1"]["bias"].reshape(8, 7, 7, 8).transpose(1, 2, 3, 0)
    )


def without(weights, layer):
    del weights[layer]


def cut(weights, layer):
    weights[layer]["kernel"] = weights[layer]["kernel"][..., :32]


def spoil(weights, layer):
    weights[layer]["kernel"][0] = np.nan


@pytest.mark.parametrize(
    ("fault", "layer", "words"),
    [
        (without, "conv3d_3", r"w\.hdf5: found no conv3d_3/kernel among 15 tensors, expected the weights"),
        (cut, "conv3d_1", r"found conv3d_1/kernel of shape \(6, 6, 8, 8, 32\), expected \(6, 6, 8, 8, 64\); choose"),
        (spoil, "conv3d_4", r"found values in conv3d_4/kernel that are no finite numbers"),
    ],
)
def test_a_wrong_file_changes_nothing(tmp_path, generator, fault, layer, words):
    """Breaks when a fault is found after half of the weights were set, or ends in a traceback of h5py or Keras."""
    weights = made_up()
    fault(weights, layer)
    before = generator.get_weights()
    with pytest.raises(DataError, match=words):
        import_weights(write(tmp_path / "w.hdf5", weights), generator)
    for a, b in zip(before, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_files_that_are_no_weights(tmp_path, generator):
    """Breaks when a missing file or a text file gives a traceback, or two generators in a file are mixed."""
    (tmp_path / "text.hdf5").write_text("not HDF5")
    for name, words in {
        "text.hdf5": "is not HDF5",
        "absent.hdf5": "cannot be read|does not exist|no such file",
    }.items():
        with pytest.raises(DataError, match=f"(?i){name}: .*({words})"):
            import_weights(tmp_path / name, generator)
    path = write(tmp_path / "twice.hdf5", made_up())
    with h5py.File(path, "a") as file:
        file["other/dense_1/kernel:0"] = np.zeros((200, 3136), "f4")
        file["optimizer_weights/dense_1/bias:0"] = np.zeros(3136, "f4")
    with pytest.raises(DataError, match="found dense_1/kernel twice"):
        import_weights(path, generator)
