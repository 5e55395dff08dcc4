"""Monte Carlo's means beside the showers of the page, and the command that builds it."""

from __future__ import annotations

import subprocess
import sys

import monte_carlo
import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON, get_detector
from calosim_tf.geometry.layers import CellLayer

from .conftest import SOURCES


def test_layers_are_shares_of_the_incident_energy():
    """Breaks if layers are mixed up, or means are taken over all energies."""
    showers = np.zeros((4, PHOTON.n_voxels), "f4")
    showers[:, 0] = (10, 30, 100, 100)  # layer 0
    showers[:, -1] = (0, 0, 20, 60)  # layer 12
    found = monte_carlo.summarised(ShowerSet(np.array([100.0, 100.0, 400.0, 400.0]), showers, PHOTON, "made up"))
    assert found["sample"] == "made up"
    assert found["names"] == ["0", "1", "2", "3", "12"]
    low, high = found["energies"]
    assert (low["energy_mev"], low["showers"], high["energy_mev"]) == (100.0, 2, 400.0)
    assert low["profile_mean"] == [0.2, 0, 0, 0, 0]
    assert low["profile_std"] == [0.1, 0, 0, 0, 0]
    assert high["profile_mean"] == [0.25, 0, 0, 0, 0.1]
    assert high["total_mean"] == 0.35
    assert high["total_std"] == 0.05


def test_distance_is_from_the_centre_of_energy():
    """Breaks if distances are taken from the middle of the detector, or rows and columns have one size."""
    layer = CellLayer(0, 3, 3, row_mm=10.0, column_mm=20.0)
    showers = np.zeros((2, 9))
    showers[0, [0, 1]] = 5.0  # in one row, 20 mm apart: 10 mm from their middle
    showers[0, 4] = 0.0
    np.testing.assert_array_equal(
        monte_carlo.distance_energies(showers, layer, np.array([0.0, 10.0, 20.0])), [[0, 10, 0], [0, 0, 0]]
    )


def test_bins_of_distance_hold_the_whole_shower():
    """Breaks if cells far out are lost from the profile of a detector with one layer."""
    rng = np.random.default_rng(3)
    showers = ShowerSet(
        np.array([1e4, 2e4, 2.2e4]),
        rng.exponential(1.0, (3, 900)).astype("f4"),
        get_detector("lhcb"),
        "made up",
        np.zeros((3, 5)),
    )
    rows = monte_carlo.summarised(showers)["energies"]
    for row in rows:
        assert sum(row["profile_mean"]) == pytest.approx(row["total_mean"], rel=1e-5)


def build(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess:
    environment = {"PATH": path} if path is not None else None
    command = [sys.executable, str(SOURCES / "build.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["electron"], "pretrained:electron: no such pretrained generator, expected one of"),
        (["photon"], "npm: found no such program"),
        (["photon", "--out", "OTHER"], "found files that are no earlier page"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, words, tmp_path):
    """Breaks if a build without npm, of an unknown generator, or over another folder is begun."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    (tmp_path / "empty").mkdir()
    arguments = [str(tmp_path / "other") if item == "OTHER" else item for item in arguments]
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "page")]
    done = build(*arguments, *out, "--packages", str(tmp_path / "packages"), path=str(tmp_path / "empty"))
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "page").exists()
    assert (tmp_path / "other" / "thesis.tex").read_text() == "years of work"
