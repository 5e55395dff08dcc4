"""Experiments with several generators: trained, stopped, resumed, generated and judged as one model."""

import csv
import json
import signal

import h5py
import numpy as np
import pytest

from calosim_tf.training.load import load_generator
from calosim_tf.training.publish import publish
from calosim_tf.training.run_folder import RunFolder

from .test_train import start_and_wait_for, weights

MEMBERS = ("low", "high")


@pytest.fixture(scope="module")
def split_run(calosim, tmp_path_factory, tiny_settings):
    """A tiny two-network run of 10 iterations each, with its report."""
    folder = tmp_path_factory.mktemp("runs") / "split"
    process = calosim("train", "photon_2gan", "--iterations", 10, "--out", folder, *tiny_settings)
    assert process.returncode == 0, process.stderr
    return folder, process


def read(path):
    return json.loads(path.read_text())


def test_each_member_has_a_run_folder_below_one_verdict(split_run):
    """Breaks when a member is not selected on its own energies, or the report leaves out a range."""
    folder, process = split_run
    assert read(folder / "status.json") == {"iteration": 20, "state": "finished", "exit": 0}
    assert "normalisation" not in read(folder / "data.json")
    data = {name: read(folder / name / "data.json") for name in MEMBERS}
    ends = {
        name: (data[name]["normalisation"]["kin_min_mev"], data[name]["normalisation"]["kin_max_mev"]) for name in data
    }
    assert ends == {"low": (256.0, 4096.0), "high": (4096.0, 65536.0)}
    # nine energies in equal numbers, one of them in both
    assert [data[name]["events_held_out"] * 9 / read(folder / "data.json")["events_held_out"] for name in MEMBERS] == [
        5,
        5,
    ]
    for name in MEMBERS:
        with (folder / name / "selection.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["iteration"] for row in rows] == ["4", "8", "10"]
        assert all(int(row["ndf"]) <= 5 * 28 for row in rows)
        assert f"  {name}: first" in process.stdout
    metrics = read(folder / "report" / "metrics.json")
    said = [line for line in process.stderr.splitlines() if line.startswith("calosim: photon_2gan/")]
    assert said == ["calosim: photon_2gan/low", "calosim: photon_2gan/high"]
    assert len(metrics["per_energy"]) == 9
    assert "photon_2gan, iterations " in metrics["generated"]["source"]
    assert f"all as one model: {metrics['metrics']['chi2_ndf_total_energy']['value']:.2f}" in process.stdout


def test_a_split_that_was_stopped_goes_on_as_if_nothing_had_happened(calosim, tmp_path, tiny_settings):
    """Stopped in the second network, then both made longer: breaks when a finished member is restarted or skipped."""
    run, straight = tmp_path / "run", tmp_path / "straight"
    endless = ("training.iterations=10", "members.high.training.iterations=100000")
    process = start_and_wait_for(
        run, (run / "high" / "checkpoints" / "latest").is_file, *tiny_settings, *endless, experiment="photon_2gan"
    )
    process.send_signal(signal.SIGTERM)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 75, message
    assert read(run / "status.json")["state"] == "stopped"
    assert (run / "low" / "checkpoints" / "latest").read_text() == "10\n"
    last = 10 + int((run / "high" / "checkpoints" / "latest").read_text())
    for arguments in (("--out", run, "--resume"), ("--out", straight)):
        process = calosim("train", "photon_2gan", "--iterations", last, "--no-report", *arguments, *tiny_settings)
        assert process.returncode == 0, process.stderr
    for name in MEMBERS:
        assert weights(run / name, last) == weights(straight / name, last)
        assert (run / name / "history.csv").read_text() == (straight / name / "history.csv").read_text()


def test_generation_takes_the_network_of_each_energy(calosim, split_run, tmp_path):
    """Breaks when the showers of one range come from the other network; 4096 MeV belongs to the upper one."""
    outs = {}
    for subject in ("whole", *MEMBERS):
        folder = split_run[0] if subject == "whole" else split_run[0] / subject
        outs[subject] = tmp_path / f"{subject}.hdf5"
        process = calosim(
            "generate", folder, "--energies", 1024, 4096, 16384, "--events", 40, "--no-clip", "--out", outs[subject]
        )
        assert process.returncode == 0, process.stderr
        # a member by itself extrapolates and says so
        assert ("outside the trained range" in process.stderr) is (subject != "whole")
    showers = {}
    for subject, path in outs.items():
        with h5py.File(path) as stream:
            showers[subject] = stream["showers"][:]
            iterations = np.atleast_1d(stream.attrs["iteration"])
            assert len(iterations) == (2 if subject == "whole" else 1)
    for rows, member in ((slice(0, 40), "low"), (slice(40, 120), "high")):
        np.testing.assert_allclose(showers["whole"][rows], showers[member][rows], rtol=1e-4, atol=1e-2)
    assert not np.allclose(showers["low"], showers["high"], rtol=0.1)


def test_a_published_split_gives_the_same_showers(split_run, tmp_path):
    """Breaks when a member, its range or its normalisation is left out of the bundle."""
    publish(RunFolder(split_run[0]), tmp_path / "bundle")
    energy = np.array([300.0, 4096.0, 60000.0])
    found = [
        np.concatenate(list(load_generator(RunFolder(folder))[0].blocks(energy, 3)))
        for folder in (split_run[0], tmp_path / "bundle")
    ]
    np.testing.assert_array_equal(*found)
    assert not list((tmp_path / "bundle").rglob("*critic*"))


def test_a_range_without_events_is_refused_before_anything_is_written(calosim, tmp_path, without_tensorflow):
    """The bundled sample ends at 65.5 GeV; breaks when the third network meets an empty batch hours later."""
    process = calosim("train", "photon_3gan", "--out", tmp_path / "run", **without_tensorflow)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    for word in ("photon_3gan/high", "no event", "262144", "65536", "members.high.energy_min_mev"):
        assert word in process.stderr
    assert not (tmp_path / "run").exists()


def test_a_range_of_one_energy_is_refused_before_anything_is_written(calosim, tmp_path, without_tensorflow):
    process = calosim(
        "train", "photon_2gan", "--out", tmp_path / "run", "--set", "data.energy_max_mev=4096", **without_tensorflow
    )
    assert process.returncode == 2
    assert "photon_2gan/high" in process.stderr
    assert "single kinetic energy 4096 MeV" in process.stderr
    assert not (tmp_path / "run").exists()


def test_resuming_a_split_with_another_member_names_it(calosim, split_run, tiny_settings, without_tensorflow):
    process = calosim(
        "train", "photon_2gan", "--out", split_run[0], "--resume", *tiny_settings, "members.high.energy_min_mev=2048",
        **without_tensorflow,
    )  # fmt: skip
    assert process.returncode == 2
    assert "begun with members.high.energy_min_mev = 4096.0, now asked for 2048.0" in process.stderr


def test_info_lists_the_generators_and_their_sum(calosim):
    """The keys other programs read."""
    process = calosim("info", "photon_3gan", "--json")
    described = json.loads(process.stdout)
    networks = described["networks"]
    assert [row["name"] for row in networks["generators"]] == ["low", "mid", "high"]
    assert networks["generators"][1]["energy_max_mev"] == 262144.0
    assert networks["params_total_all_generators"] == 472_120
    assert described["settings"]["members.mid.network.generator_units"] == [50, 100, 200]
    assert "472,120 in all" in calosim("info", "photon_3gan").stdout
