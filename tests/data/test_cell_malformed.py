"""Every malformed file of LHCb, CaloGAN or 3DGAN ends in one line: the file, what was found, what to do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from calosim_tf.data.checks import check_report
from calosim_tf.data.readers import open_showers, read_showers
from calosim_tf.errors import DataError
from calosim_tf.geometry import get_detector


def lacks(name):
    return lambda arrays: arrays.pop(name)


def has(name, change):
    return lambda arrays: arrays.update({name: change(arrays[name])})


def number(name, place, value):
    """One number of one array is ``value``."""

    def change(arrays):
        arrays[name][place] = value

    return change


def layers_times(factor):
    return lambda arrays: [has(f"layer_{i}", lambda values: values * factor)(arrays) for i in range(3)]


# layout -> name of the case -> (change, words of the error)
LHCB = {
    "no momentum": (lacks("ParticleMomentum"), "no array 'ParticleMomentum', expected EnergyDeposit"),
    "no deposits": (lacks("EnergyDeposit"), "no array 'EnergyDeposit'"),
    "no point": (lacks("ParticlePoint"), "no array 'ParticlePoint'"),
    "no events": (lambda a: a.update({k: v[:0] for k, v in a.items()}), "EnergyDeposit holds no events"),
    "one number": (has("EnergyDeposit", lambda v: np.float32(7.0)), "EnergyDeposit holds no events"),
    "nan cell": (number("EnergyDeposit", (7, 3, 4, 0), np.nan), "EnergyDeposit of event 7 is not a finite number"),
    "nan momentum": (number("ParticleMomentum", (5, 0), np.nan), "ParticleMomentum of event 5 is not a finite number"),
    "infinite point": (number("ParticlePoint", (9, 1), np.inf), "ParticlePoint of event 9 is not a finite number"),
    "negative cell": (
        number("EnergyDeposit", (7, 3, 4, 0), -2.0),
        r"row 7, voxel 94 of EnergyDeposit is -2, expected an energy of at least 0 in MeV; remove this event",
    ),
    "pz is 0": (number("ParticleMomentum", (3, 2), 0.0), r"row 3 of ParticleMomentum has pz = 0 GeV.*\(1 of 40 rows\)"),
    "backwards": (number("ParticleMomentum", (3, 2), -1.0), "has pz = -1 GeV, expected pz > 0"),
    "29 rows": (has("EnergyDeposit", lambda v: v[:, :29]), r"shape \(40, 29, 30, 1\), expected \(40, 30, 30, 1\) or"),
    "two channels": (has("EnergyDeposit", lambda v: np.tile(v, 2)), r"has shape \(40, 30, 30, 2\), expected"),
    "too few points": (
        has("ParticlePoint", lambda v: v[:39]),
        r"ParticlePoint has shape \(39, 3\), expected \(40, 3\)",
    ),
    "four momenta": (has("ParticleMomentum", lambda v: np.tile(v, 2)), r"ParticleMomentum has shape \(40, 6\)"),
    "momentum in MeV": (
        has("ParticleMomentum", lambda v: v * 1000),
        r"ParticleMomentum is in MeV \(median .*\), expected GeV; divide ParticleMomentum by 1000",
    ),
    "deposits in GeV": (
        has("EnergyDeposit", lambda v: v / 1000),
        r"EnergyDeposit is in GeV \(deposited / incident .*\), expected MeV; multiply EnergyDeposit by 1000",
    ),
    "two species": (number("ParticlePDG", slice(4, 9), 22), "ParticlePDG holds 11, 22, expected one particle species"),
    "beyond float32": (
        has("EnergyDeposit", lambda v: np.where(np.arange(40)[:, None, None, None] == 6, np.float64(1e300), v)),
        "row 6, voxel 0 of EnergyDeposit is inf, expected a finite number",
    ),
    "all empty": (has("EnergyDeposit", np.zeros_like), "all 40 showers are empty"),
    "one too large": (
        number("EnergyDeposit", (6, 0, 0, 0), 1e7),
        r"row 6 of EnergyDeposit deposits .*e\+07 MeV, but ParticleMomentum is .* MeV, expected at most 10 times",
    ),
}
CALOGAN = {
    "no layer": (lacks("layer_2"), "no dataset 'layer_2', found 'energy', 'layer_0'"),
    "no overflow": (
        lacks("overflow"),
        "no dataset 'overflow'.*expected layer_0, layer_1, layer_2, overflow and energy",
    ),
    "no energy": (lacks("energy"), "no dataset 'energy'"),
    "no px": (lacks("px"), "no dataset 'px', .*for detector 'calogan'; files without them fit .*'calogan_central'"),
    "no x0": (lacks("x0"), "no dataset 'x0', expected x0, y0, px, py, pz"),
    "layers of unequal length": (has("layer_1", lambda v: v[:30]), "40 layer_0 but 30 layer_1, expected equal numbers"),
    "energies of unequal length": (has("energy", lambda v: v[:39]), "40 layer_0 but 39 energy"),
    "layer turned": (has("layer_0", lambda v: v.transpose(0, 2, 1)), r"shape \(40, 96, 3\), expected \(40, 3, 96\)"),
    "energy of rank 3": (has("energy", lambda v: v[..., None]), r"energy has shape \(40, 1, 1\), expected \(40, 1\)"),
    "a single energy": (has("energy", lambda v: v[0, 0]), r"energy has shape \(\), expected one row"),
    "a single layer": (has("layer_0", lambda v: v[0, 0, 0]), r"layer_0 has shape \(\), expected"),
    "words": (has("layer_0", lambda v: v.astype("S4")), r"layer_0 holds \|S4, expected float32 or float64"),
    "energy in MeV": (
        has("energy", lambda v: v * 1000),
        r"energy is in MeV \(median .*\), expected GeV; divide energy",
    ),
    "energy in keV": (
        has("energy", lambda v: v * 1e6),
        r"energy is in keV \(median .*\), expected GeV; divide energy by 1e\+06",
    ),
    "layers in GeV": (layers_times(1e-3), r"layer_0..2 is in GeV \(deposited .*\), expected MeV; multiply layer_0..2"),
    "nan cell": (number("layer_1", (7, 3, 4), np.nan), r"row 7, voxel 328 of the layers is nan, expected a finite"),
    "nan energy": (number("energy", (7, 0), np.nan), "row 7 of energy is nan, expected a positive energy"),
    "energy is 0": (number("energy", (7, 0), 0.0), r"row 7 of energy is 0, expected a positive.*\(1 of 40 rows"),
    "nan momentum": (number("px", (8, 0), np.nan), "row 8 of px is nan, expected a number; remove this event"),
    "nan position": (number("y0", (8, 0), np.nan), "row 8 of y0 is nan"),
    "pz is 0": (number("pz", (8, 0), 0.0), "row 8 of px, py, pz is .*expected a particle that moves along z"),
    "negative cell": (
        number("layer_2", (7, 3, 4), -1.0),
        "row 7, voxel 454 of the layers is -1, expected an energy of",
    ),
    "all empty": (layers_times(0.0), "all 40 showers are empty"),
}
ECAL = {
    "no cells": (lacks("ECAL"), "no dataset 'ECAL', found 'target'; expected ECAL and target or energy"),
    "no energies": (lacks("target"), "no dataset 'target', found 'ECAL'"),
    "cube of 24": (has("ECAL", lambda v: v[..., :24]), r"ECAL has shape \(8, 25, 25, 24\), expected \(events, 25, 25"),
    "one cube": (has("ECAL", lambda v: v[0, 0, 0, 0]), r"ECAL has shape \(\), expected one row"),
    "target of 4": (has("target", lambda v: v[:, :4]), r"target has shape \(8, 4\), expected \(8, 5\) or \(8, 1, 5\)"),
    "one target": (has("target", lambda v: v[0, 0]), r"target has shape \(\), expected"),
    "too few targets": (has("target", lambda v: v[:7]), "8 ECAL but 7 target, expected equal numbers"),
    "cells in MeV": (has("ECAL", lambda v: v * 1e3), r"ECAL is in MeV .*, expected GeV; multiply ECAL by 0.001"),
    "cells in 50 GeV": (has("ECAL", lambda v: v * 50), r"expected GeV .*in MeV .*in 50 x GeV .*multiply ECAL by 0.02"),
    "energy in MeV": (has("target", lambda v: v * 1e3), r"target is in MeV .*, expected GeV; divide target by 1000"),
    "nan cell": (number("ECAL", (5, 1, 2, 3), np.nan), "row 5, voxel 1902 of ECAL is nan, expected a finite number"),
    "negative cell": (number("ECAL", (5, 1, 2, 3), -1e-3), "row 5, voxel 1902 of ECAL is -1, expected an energy of at"),
    "energy is 0": (number("target", (2, 1), 0.0), "row 2 of target is 0, expected a positive energy in MeV"),
    "beyond float32": (number("ECAL", (5, 0, 0, 0), 1e38), "row 5, voxel 0 of ECAL is inf, expected a finite number"),
    "all empty": (has("ECAL", np.zeros_like), "all 8 showers are empty"),
}
ANGLE = {
    "no angle": (
        lacks("theta"),
        "no dataset 'theta', found 'ECAL', 'energy'; expected ECAL, energy and mtheta or theta",
    ),
    "degrees": (has("theta", np.degrees), "theta has median .*, expected polar angles in rad.*multiply degrees by pi"),
    "nan angle": (number("theta", 1, np.nan), "row 1 of theta is nan, expected an angle in rad; remove this event"),
    "two angles": (
        has("theta", lambda v: np.stack([v, v], 1)),
        r"theta has shape \(2, 2\), expected \(2,\) or \(2, 1\)",
    ),
    "too few angles": (has("theta", lambda v: v[:1]), "2 ECAL but 1 theta"),
    "cells in GeV": (
        has("ECAL", lambda v: v / 50),
        "in 50 x GeV .*nothing to change.*in GeV .*multiply ECAL by 50",
    ),
    "25 cubes": (has("ECAL", lambda v: v[:, 13:38, 13:38]), r"expected \(events, 51, 51, 25\).*use detector 'clic'"),
}
CASES = [
    pytest.param(layout, detector, events, *case, id=f"{layout}-{name}")
    for layout, detector, events, cases in (
        ("lhcb", "lhcb", 40, LHCB),
        ("calogan", "calogan", 40, CALOGAN),
        ("ecal", "clic", 8, ECAL),
        ("ecal_angle", "clic_angle", 2, ANGLE),
    )
    for name, case in cases.items()
]


def expect_one_line(error: DataError, path):
    message = str(error)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 350


@pytest.mark.parametrize(("layout", "detector", "events", "change", "words"), CASES)
def test_each_is_refused_in_one_line(cells, store, tmp_path, layout, detector, events, change, words):
    """Breaks if the file is read anyway, or refused without saying why."""
    arrays = cells(layout, events)
    change(arrays)
    path = store(tmp_path / "bad.hdf5", arrays)
    with pytest.raises(DataError, match=words) as caught:
        read_showers(path, get_detector(detector))
    expect_one_line(caught.value, path)


@pytest.mark.parametrize(
    "case", ["no momentum", "nan cell", "29 rows", "momentum in MeV", "deposits in GeV", "two species"]
)
def test_lhcb_npz_is_refused_as_hdf5_is(cells, store, tmp_path, case):
    """Breaks if checks of one of the two formats of LHCb are left out."""
    change, words = LHCB[case]
    arrays = cells("lhcb", 40)
    change(arrays)
    with pytest.raises(DataError, match=words) as caught:
        read_showers(store(tmp_path / "bad.npz", arrays), get_detector("lhcb"))
    expect_one_line(caught.value, tmp_path / "bad.npz")


@pytest.mark.parametrize("name", ["EnergyDeposit", "ParticlePDG", "description", "axes"])
def test_pickled_arrays_are_refused(cells, store, tmp_path, name):
    """Breaks if a file from the net can run a program, or the words beside the arrays end in a traceback."""
    arrays = cells("lhcb", 4) | {name: np.array([print] * 4, dtype=object)}
    path = store(tmp_path / "bad.npz", arrays)
    with pytest.raises(DataError, match=r"cannot be read as npz .*Object arrays cannot be loaded") as caught:
        read_showers(path, get_detector("lhcb"))
    expect_one_line(caught.value, path)


@pytest.mark.parametrize("detector", [None, "lhcb"])
def test_a_cut_npz_is_called_that(cells, store, tmp_path, detector):
    """Breaks if the first half of a download is told to be converted to HDF5."""
    path = store(tmp_path / "cut.npz", cells("lhcb", 40))
    path.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(DataError, match="is not an npz archive, or is cut off; copy or fetch the file again"):
        open_showers(path, detector and get_detector(detector))


@pytest.mark.parametrize(
    ("layout", "detector", "words"),
    [
        ("photon", "photon", r"the CaloChallenge layout \(incident_energies, showers\)"),
        ("calogan", "calogan", r"the CaloGAN layout \(energy, layer_0,"),
        ("ecal", "clic", r"the 3DGAN layout \(ECAL, target\)"),
    ],
)
def test_npz_of_a_layout_that_is_hdf5_is_named(cells, photon_showers, store, tmp_path, layout, detector, words):
    """Breaks if any npz is taken for LHCb; the command of the line must make a file that is read."""
    photons = dict(zip(("incident_energies", "showers"), (values[:20] for values in photon_showers), strict=True))
    path = store(tmp_path / "FILE.npz", photons if layout == "photon" else cells(layout, 4))
    for which, found in ((None, words), (get_detector(detector), "is a zip or npz file, expected HDF5")):
        with pytest.raises(DataError, match=found) as caught:
            open_showers(path, which)
        expect_one_line(caught.value, path)
        command = str(caught.value).partition("python -c ")[2]
        subprocess.run([sys.executable, "-c", command.strip('"')], cwd=tmp_path, check=True)
        showers = read_showers(tmp_path / "FILE.hdf5", get_detector(detector))
        assert len(showers) == (20 if layout == "photon" else 4)


def test_words_that_are_no_words_are_passed_over(cells, store, tmp_path):
    """Breaks if a number where the axes should be named decides about x and y, or stops the reading."""
    arrays = cells("lhcb", 4)
    path = store(tmp_path / "a.npz", arrays | {"axes": np.arange(2), "description": np.ones(3)})
    np.testing.assert_array_equal(
        read_showers(path, get_detector("lhcb")).showers_mev, arrays["EnergyDeposit"].reshape(4, 900)
    )


@pytest.mark.parametrize(("layout", "detector"), [("calogan", "calogan"), ("ecal", "clic"), ("lhcb", "lhcb")])
def test_a_few_empty_showers_are_counted_and_kept(cells, store, tmp_path, layout, detector):
    """Breaks if a particle that misses the active cells stops the reading, or is lost from the count."""
    arrays = cells(layout, 6)
    for name in ("layer_0", "layer_1", "layer_2", "ECAL", "EnergyDeposit"):
        if name in arrays:
            arrays[name][2:4] = 0.0
    path = store(tmp_path / "a.hdf5", arrays)
    showers = read_showers(path, get_detector(detector))
    assert (showers.showers_mev.sum(axis=1) == 0).tolist() == [False, False, True, True, False, False]
    report = check_report(path)
    assert (report["events"], report["empty_showers"], report["duplicated_showers"]) == (6, 2, 0)


MIXED = {
    "cubes of two sizes": (
        "ecal",
        "ecal_angle",
        r"65025 voxels per shower \(3DGAN HDF5, variable angle\), but .* 15625",
    ),
    "cubes and CaloGAN": ("ecal", "calogan", r"504 voxels per shower \(CaloGAN HDF5\), but .* 15625 \(3DGAN HDF5\)"),
    "LHCb and CaloGAN": ("lhcb", "calogan", r"504 .*but .* 900 \(LHCb npz or HDF5\); give files of one detector"),
}


@pytest.mark.parametrize("case", MIXED)
def test_files_of_two_detectors_are_not_joined(cells, store, tmp_path, case):
    """Breaks if rows of different detectors end in one array, or in an error of numpy."""
    first, second, words = MIXED[case]
    paths = [store(tmp_path / f"{layout}.hdf5", cells(layout, 2)) for layout in (first, second)]
    with pytest.raises(DataError, match=words) as caught:
        open_showers(paths)
    expect_one_line(caught.value, paths[1])


@pytest.mark.parametrize(
    ("layout", "detector", "words"),
    [
        ("ecal_angle", "clic", r"ECAL has shape \(2, 51, 51, 25\), expected .*use detector 'clic_angle'"),
        ("ecal", "calogan", "no dataset 'layer_0', found 'ECAL', 'target'"),
        ("calogan", "clic", "no dataset 'ECAL', found 'energy'"),
        ("calogan", "lhcb", "no array 'EnergyDeposit'"),
        ("lhcb", "photon", "no dataset 'incident_energies', found 'EnergyDeposit'"),
    ],
)
def test_a_file_of_another_detector_is_refused(cells, store, tmp_path, layout, detector, words):
    """Breaks if an experiment trains on the showers of another detector."""
    path = store(tmp_path / "a.hdf5", cells(layout, 2))
    with pytest.raises(DataError, match=words) as caught:
        read_showers(path, get_detector(detector))
    expect_one_line(caught.value, path)


@pytest.mark.parametrize(
    ("layout", "detector", "ending", "options"),
    [
        ("lhcb", "lhcb", "npz", {}),
        ("lhcb", "lhcb", "hdf5", {"compression": "gzip"}),
        ("calogan", "calogan", "hdf5", {"compression": "gzip"}),
        ("ecal", "clic", "hdf5", {"compression": "gzip"}),
    ],
)
def test_damaged_bytes_never_escape_as_other_errors(cells, store, tmp_path, layout, detector, ending, options):
    """Breaks if some broken metadata raises what the command line would show as a traceback."""
    arguments = () if ending == "npz" else ({"generator": "test", "axes": "yx"},)
    path = store(tmp_path / f"a.{ending}", cells(layout, 4), *arguments, **options)
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    # npz keeps its table at the end, HDF5 at the beginning
    first = max(0, len(sound) - 1200) if ending == "npz" else 0
    n_refused = 0
    for _ in range(60):
        content = bytearray(sound)
        for position in rng.integers(first, min(first + 8000, len(sound)), 4):
            content[position] = rng.integers(0, 256)
        path.write_bytes(content)
        try:
            check_report(path)
            read_showers(path, get_detector(detector))
        except DataError:
            n_refused += 1
    assert n_refused > 10
