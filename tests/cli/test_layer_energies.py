"""``calosim generate --layer-energies``: showers of somebody else's layer energies, or one line."""

import h5py
import numpy as np
import pytest

from calosim_tf.cli import main
from calosim_tf.geometry import get_detector


@pytest.fixture
def write(tmp_path):
    def write(**arrays):
        with h5py.File(tmp_path / "layers.hdf5", "w") as file:
            for name, values in arrays.items():
                file[name] = values
        return tmp_path / "layers.hdf5"

    return write


ENERGIES = np.array([[4096.0], [512.0], [65536.0]])
LAYERS = np.array([[50.0, 1000.0, 2500.0, 10.0, 0.0], [0.0, 100.0, 300.0, 0.0, 0.0], [500.0, 9e3, 5e4, 200.0, 90.0]])


def generate(path, out, source="pretrained:photon"):
    return main(["generate", source, "--layer-energies", str(path), "--out", str(out), "-q"])


@pytest.mark.slow
def test_showers_have_the_layer_energies_of_the_file(write, tmp_path):
    """Breaks if energies are drawn all the same, shuffled, or scaled to another total."""
    out = tmp_path / "showers.hdf5"
    assert generate(write(incident_energies=ENERGIES, layer_energies=LAYERS), out) == 0
    with h5py.File(out) as file:
        showers = file["showers"][:]
        np.testing.assert_array_equal(file["incident_energies"][:], ENERGIES)
    sums = np.add.reduceat(showers, get_detector("photon").offsets[:-1], axis=1)
    np.testing.assert_allclose(sums, LAYERS, rtol=1e-5, atol=1e-3)
    assert (showers == 0.0).mean() > 0.1


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"incident_energies": ENERGIES}, "found incident_energies, expected the datasets"),
        (
            {"incident_energies": ENERGIES, "layer_energies": LAYERS[:, :4]},
            "expected (n,) and (n, 5) for the layers",
        ),
        ({"incident_energies": ENERGIES[:2], "layer_energies": LAYERS}, "of shape (2, 1) and layer_energies of shape"),
        ({"incident_energies": ENERGIES, "layer_energies": -LAYERS}, "layer_energies, row 0: found"),
        ({"incident_energies": 0 * ENERGIES, "layer_energies": LAYERS}, "incident_energies, row 0: found [0.0]"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(write, tmp_path, capsys, arrays, words):
    """Breaks if a mistake ends in a traceback, or leaves half a file."""
    out = tmp_path / "showers.hdf5"
    assert generate(write(**arrays), out) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert words in printed
    assert not out.exists()


def test_a_generator_without_that_input_is_refused(write, tmp_path, capsys):
    """Breaks if the energies are silently ignored."""
    path, out = write(incident_energies=ENERGIES, layer_energies=LAYERS), tmp_path / "showers.hdf5"
    assert generate(path, out, "pretrained:photon_calo_shower_gan") == 2
    assert "expected a factorised generator" in capsys.readouterr().err
    assert not out.exists()
