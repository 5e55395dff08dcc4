"""``calosim data fetch|convert|simulate``: what is printed, where, and with which exit code."""

import json

import numpy as np
import pytest

from calosim_tf.cli import main
from calosim_tf.data.checks import check_report
from calosim_tf.data_prep import fetch as fetch_module
from calosim_tf.data_prep.fetch import Fetched
from calosim_tf.errors import CalosimError
from calosim_tf.geometry import PHOTON


def expect_one_line(captured, *words):
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("calosim: error: ")
    for word in words:
        assert word in captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fetch", "dataset_1_photon_1"), ("'dataset_1_photon_1' is unknown", "did you mean 'dataset_1_photons_1'")),
        (("fetch",), ("name of a public file is missing", "--list")),
        (("convert", "a.csv", "--to", "photon", "--out", "b.hdf5", "--energy", "-3"), ("--energy -3", "MeV")),
        (("convert", "a.root", "--to", "photon", "--out", "b.hdf5"), ("a.root: no such file",)),
        (("convert", "a.json", "--to", "photon", "--out", "b.hdf5"), ("no conversion of .json to 'photon'",)),
        (("convert", "a_E256.csv", "--to", "photon", "--tree", "t", "--out", "b.hdf5"), ("are for ROOT files only",)),
        (("convert", "a_E256.csv", "--binning", "b.xml", "--out", "b.hdf5"), ("b.xml: cannot be read",)),
        (("convert", "a_E256.csv", "--to", "photon", "--out", "b.hdf5"), ("a_E256.csv", "no such file")),
        (("simulate", "photon", "--out", "b.hdf5", "--events", "0"), ("0 showers", "at least one")),
        (("simulate", "photon", "--out", "b.hdf5", "--events", "1", "--seed", "-1"), ("seed -1",)),
        (("simulate", "plasma", "--out", "b.hdf5", "--events", "1"), ("'plasma' cannot be simulated", "photon")),
    ],
)
def test_a_wrong_wish_is_one_line(capsys, tmp_path, monkeypatch, arguments, words):
    """Breaks if a user error ends in a traceback, another exit code, or a file."""
    monkeypatch.chdir(tmp_path)
    assert main(["data", *arguments]) == 2
    expect_one_line(capsys.readouterr(), *words)
    assert list(tmp_path.iterdir()) == []


def test_csv_becomes_a_file_that_check_accepts(calosim, without_tensorflow, tmp_path, capsys):
    """Breaks if the commands of the tutorial do not fit together, or need tensorflow."""
    rng = np.random.default_rng(0)
    for energy in (256, 1024):
        voxels = rng.gamma(0.3, 1.0, (6, 368))
        voxels *= 0.9 * energy / voxels.sum(axis=1, keepdims=True)
        voxels[0, 0] = -0.5
        np.savetxt(tmp_path / f"pid22_E{energy}_eta_20_25_voxalisation.csv", voxels, delimiter=",")
    files = sorted(tmp_path.glob("*.csv"))
    out = tmp_path / "photon.hdf5"
    converted = calosim("data", "convert", *files, "--to", "photon", "--out", out, **without_tensorflow)
    assert (converted.returncode, converted.stderr) == (0, "")
    assert converted.stdout == f"{out}: 12 events\n  2 negative voxels set to zero (lowest -0.5 MeV)\n"
    report = check_report(out)
    assert (report["detector"], report["events"], report["units"]) == ("photon", 12, "MeV")
    assert main(["data", "convert", *map(str, files), "--to", "photon", "--out", str(out)]) == 2
    expect_one_line(capsys.readouterr(), "exists already", "--force")


def test_simulated_showers_are_accepted_too(calosim, without_tensorflow, tmp_path):
    """Breaks if the simulator is not reached, or its seed and number of events do not arrive."""
    out = tmp_path / "pion.hdf5"
    arguments = ("data", "simulate", "pion", "--events", 150, "--seed", 3)
    simulated = calosim(*arguments, "--out", out, **without_tensorflow)
    assert (simulated.returncode, simulated.stdout, simulated.stderr) == (0, f"{out}: 150 events\n", "")
    report = check_report(out)
    assert (report["detector"], report["events"], report["source"]) == ("pion", 150, "parametrised showers")
    for seed, same in ((3, True), (4, False)):
        again = tmp_path / f"{seed}.hdf5"
        assert main(["data", *map(str, arguments[1:-1]), str(seed), "--out", str(again)]) == 0
        assert (again.read_bytes() == out.read_bytes()) is same


def test_list_shows_what_can_be_fetched(calosim, without_tensorflow):
    """Breaks if the list is empty, needs tensorflow, or hides that a file has no checksum."""
    process = calosim("data", "fetch", "--list", **without_tensorflow)
    assert process.returncode == 0
    rows = {line.split()[0]: line for line in process.stdout.splitlines()}
    assert "md5+sha256" in rows["dataset_1_photons_1"]
    assert "doi:10.5281/zenodo.8099322" in rows["dataset_1_photons_1"]
    assert "no checksum known" in rows["atlas_photon_samples"]


@pytest.mark.parametrize(("name", "verified"), [("dataset_1_pions_1", True), ("atlas_pion_samples", False)])
def test_fetch_says_what_it_checked(capsys, tmp_path, monkeypatch, name, verified):
    """Breaks if a file without published checksum passes for a verified one, or CALOSIM_DATA is ignored."""
    asked = []

    def pretend(source, folder):
        asked.append((source.name, folder))
        return Fetched(folder / source.content.file_name, 123, "5ha", verified, downloaded=True)

    monkeypatch.setattr(fetch_module, "fetch", pretend)
    monkeypatch.setenv("CALOSIM_DATA", str(tmp_path))
    assert main(["data", "fetch", name]) == 0
    assert main(["data", "fetch", name, "--out", str(tmp_path / "here")]) == 0
    assert asked == [(name, tmp_path), (name, tmp_path / "here")]
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0].startswith(str(tmp_path / name))
    assert "licence" in captured.out
    assert ("checksum not compared" in captured.out) is not verified
    assert captured.err.count("warning: no published checksum") == (0 if verified else 2)
    assert ("sha256 5ha" in captured.err) is not verified


def test_failed_fetch_is_exit_1(capsys, tmp_path, monkeypatch):
    """Breaks if a server that is down counts as a mistake of the user."""

    def fail(_source, _folder):
        raise CalosimError("https://zenodo.org/x: the server went silent")

    monkeypatch.setattr(fetch_module, "fetch", fail)
    assert main(["data", "fetch", "dataset_2_1", "--out", str(tmp_path)]) == 1
    expect_one_line(capsys.readouterr(), "went silent")


def test_a_binning_file_and_other_names_reach_the_commands(public_like_file, tmp_path, capsys):
    """Breaks if --binning or --keys is read and then forgotten."""
    binning = tmp_path / "prototype.xml"
    layers = (
        f'<Layer id="{item.layer_id}" r_edges="{",".join(map(str, item.r_edges_mm))}" n_bin_alpha="{item.n_alpha}"/>'
        for item in PHOTON.layers
    )
    binning.write_text(f'<Bins><Bin name="electron">{"".join(layers)}</Bin></Bins>')
    assert main(["data", "check", str(public_like_file), "--binning", str(binning), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["detector"] == "prototype"
    csv = tmp_path / "a_E1024.csv"
    np.savetxt(csv, np.full((3, 368), 2.5), delimiter=",")
    out = str(tmp_path / "a.hdf5")
    assert main(["data", "convert", str(csv), "--binning", str(binning), "--out", out]) == 0
    assert capsys.readouterr().out == f"{out}: 3 events\n"
    assert main(["data", "check", out, "--keys", "voxels=showers"]) == 2
    expect_one_line(capsys.readouterr(), "found 'voxels', expected names of the layout")
