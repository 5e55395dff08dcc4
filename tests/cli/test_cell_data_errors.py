"""Wrong data of LHCb, CaloGAN and 3DGAN at the command line: one line, exit 2, nothing written, no tensorflow."""

import numpy as np
import pytest


def expect_one_line(process, *words):
    assert process.returncode == 2, process.stderr
    assert process.stderr.count("\n") == 1, process.stderr
    assert process.stderr.startswith("calosim: error: ")
    for word in words:
        assert word in process.stderr, process.stderr


def with_nan(arrays):
    arrays["EnergyDeposit"][3, 4, 5, 0] = np.nan


def momentum_in_mev(arrays):
    arrays["ParticleMomentum"] *= 1000


def pickled(arrays):
    arrays["ParticlePDG"] = np.array([print] * 20, dtype=object)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_nan, ("EnergyDeposit of event 3 is not a finite number",)),
        (momentum_in_mev, ("ParticleMomentum is in MeV", "divide ParticleMomentum by 1000")),
        (pickled, ("cannot be read as npz", "Object arrays")),
    ],
)
def test_bad_lhcb_data_stop_training_before_it_starts(
    calosim, without_tensorflow, cells, store, tmp_path, change, words
):
    """Breaks if a run begins, or a traceback is shown, on data that cannot be trained on."""
    arrays = cells("lhcb", 20)
    change(arrays)
    path = store(tmp_path / "bad.npz", arrays)
    process = calosim("train", "lhcb_sagan_smoke", "--data", path, "--out", tmp_path / "run", **without_tensorflow)
    expect_one_line(process, "bad.npz", *words)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.npz"]


def test_showers_of_another_detector_are_not_trained_on(calosim, without_tensorflow, cells, store, tmp_path):
    """Breaks if an LHCb experiment starts on CaloGAN showers."""
    path = store(tmp_path / "calogan.hdf5", cells("calogan", 20))
    process = calosim("train", "lhcb_sagan_smoke", "--data", path, "--out", tmp_path / "run", **without_tensorflow)
    expect_one_line(process, "calogan.hdf5", "no array 'EnergyDeposit'")
    assert not (tmp_path / "run").exists()


def test_check_tells_wrong_units(calosim, without_tensorflow, cells, store, tmp_path):
    """Breaks if numbers in another unit are reported on as if they were right."""
    arrays = cells("ecal", 10)
    good = store(tmp_path / "good.hdf5", arrays)
    bad = store(tmp_path / "bad.hdf5", arrays | {"ECAL": arrays["ECAL"] * 50})
    words = ("bad.hdf5", "in 50 x GeV it would be 0.02, as electrons leave: multiply ECAL by 0.02")
    expect_one_line(calosim("data", "check", good, bad, **without_tensorflow), *words)


def test_evaluate_tells_wrong_units(calosim, without_tensorflow, cells, store, tmp_path):
    """Breaks if a reference in another unit makes a report."""
    arrays = cells("calogan", 10)
    good = store(tmp_path / "good.hdf5", arrays)
    bad = store(tmp_path / "bad.hdf5", arrays | {"energy": arrays["energy"] * 1000})
    arguments = ("evaluate", good, "--reference", bad, "--detector", "calogan", "--out", tmp_path / "out")
    expect_one_line(calosim(*arguments, **without_tensorflow), "bad.hdf5", "energy is in MeV", "divide energy by 1000")
    assert not (tmp_path / "out").exists()


def test_check_describes_a_good_file(calosim, without_tensorflow, cells, store, tmp_path):
    """Breaks if ``data check`` refuses a sound file, or needs tensorflow for it."""
    process = calosim("data", "check", store(tmp_path / "good.npz", cells("lhcb", 10)), **without_tensorflow)
    assert process.returncode == 0, process.stderr
    assert "detector lhcb, units MeV" in process.stdout
    assert "10, 0 empty, 0 duplicated" in process.stdout
