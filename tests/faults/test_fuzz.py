"""Whatever is in a data file or a settings file: a result, or an error of ours in one line; never another exception."""

from __future__ import annotations

import warnings

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calosim_tf.commands.train import read_settings
from calosim_tf.data.checks import check_report
from calosim_tf.data.readers import read_showers
from calosim_tf.data.source import load_source
from calosim_tf.errors import RunFolderError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector

from .fuzzing import EDITS, KEPT, VALUE, bounded, check_survives, counted, damaged_bytes

NAMES = ("photon", "photon_3gan", "lhcb_sagan_sn_gd", "conditional_calogan_eplus", "conv2d_g1", "conv3d_angle")


@pytest.fixture(scope="module", autouse=True)
def report(count):
    with counted(count, "fuzz cases of data and settings without a traceback"):
        yield


@pytest.fixture(scope="module")
def sound_files(photon_showers, cells, store, tmp_path_factory):
    """(bytes, ending, detector) of small sound files of all layouts, packed and not."""
    folder = tmp_path_factory.mktemp("sound")
    incident, showers = photon_showers
    photon = {"incident_energies": incident[:8, None].astype("f4"), "showers": showers[:8].astype("f4")}
    paths = [(store(folder / "photon.hdf5", photon, {"source": "a"}, compression="gzip", fletcher32=True), "photon")]
    paths += [(store(folder / "plain.hdf5", photon), "photon"), (store(folder / "l.npz", cells("lhcb", 4)), "lhcb")]
    for layout, detector in (
        ("lhcb", "lhcb"),
        ("calogan", "calogan"),
        ("ecal", "clic"),
        ("ecal_angle", "clic_angle"),
    ):
        paths.append((store(folder / f"{layout}.hdf5", cells(layout, 2), {"axes": "yx"}, compression="gzip"), detector))
    return [(path.read_bytes(), path.suffix, detector) for path, detector in paths]


@pytest.mark.timeout(600)
@bounded(1500)
@given(which=st.integers(0, 6), edits=EDITS, keep=KEPT)
def test_damaged_bytes(sound_files, tmp_path, which, edits, keep):
    """Breaks if some damage reaches a user as HDF5's, numpy's or zipfile's own exception."""
    content, ending, detector = sound_files[which]
    path = tmp_path / f"bad{ending}"
    path.write_bytes(damaged_bytes(content, edits, keep))
    check_survives("bytes", lambda: check_report(path), lambda: load_source(path, get_detector(detector)))


ARRAY_NAMES = {
    "photon": ("incident_energies", "showers"),
    "lhcb": ("EnergyDeposit", "ParticleMomentum", "ParticlePoint", "ParticlePDG"),
    "calogan": ("layer_0", "layer_1", "layer_2", "overflow", "energy", "px", "py", "pz", "x0", "y0"),
    "clic": ("ECAL", "target", "energy"),
    "clic_angle": ("ECAL", "energy", "theta", "mtheta"),
    "ilc": ("30x30/layers", "30x30/energy"),
}
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 5, 25, 30, 51, 96, 12, 6, 368, 900]), min_size=0, max_size=4).filter(
    lambda shape: np.prod(shape, dtype=float) < 2e5
)
KINDS = st.sampled_from(["f2", "f4", "f8", ">f4", "i4", "u1", "b1", "c8", "S3", "V4"])
VALUES = st.sampled_from([0.0, 1.0, -1.0, 1e-30, 3e38, float("nan"), float("inf"), 1e300, 700.0])
ARRAY = st.tuples(SHAPES, KINDS, VALUES)


@pytest.mark.timeout(600)
@bounded(1000)
@given(detector=st.sampled_from(sorted(ARRAY_NAMES)), data=st.data())
def test_wrong_arrays(tmp_path, cells, detector, data):
    """Breaks if an unforeseen shape, type or number is met."""
    layout = {"clic": "ecal", "clic_angle": "ecal_angle"}.get(detector, detector)
    arrays = {} if detector == "photon" else cells(layout, 3)
    for name in data.draw(st.lists(st.sampled_from(ARRAY_NAMES[detector]), unique=True, max_size=3)):
        shape, kind, value = data.draw(ARRAY)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            filled = np.full(shape, value)
            arrays[name] = filled.astype(kind) if kind != "V4" else filled.astype("f4").view("V4")
    path = tmp_path / "odd.hdf5"
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    read = (lambda: check_report(path), lambda: read_showers(path, get_detector(detector), physical=False))
    check_survives("arrays", *read)


WORDS = st.sampled_from(
    (
        *("training", "network", "data", "run", "batch_size", "latent", "size", "seed", ":", "\n", "  ", "\t", "- "),
        *("[", "]", "{", "}", ",", "'", '"', "&a", "*a", "!!int", "!!python/name:os.system", "? ", "| ", "2026-13-01"),
        *("1e999", "~", "0x", ".nan", "<<", "---", "%YAML 3.0", "\x00", "\ud7ff", "-.inf", "12:30:61", "=", "null"),
        "9" * 30,
    )
)
TEXT = st.one_of(st.lists(WORDS, max_size=25).map("".join), st.text(max_size=60))


@pytest.mark.timeout(600)
@bounded(2000)
@given(text=TEXT, ending=st.sampled_from([".yaml", ".json"]), name=st.sampled_from(NAMES))
def test_settings_text(tmp_path, text, ending, name):
    """Breaks if a settings file gives YAML's or Python's own exception."""
    path = tmp_path / f"settings{ending}"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    check_survives("settings text", lambda: get_experiment(name).with_values(read_settings(path)))


@pytest.mark.timeout(600)
@bounded(1500)
@given(name=st.sampled_from(NAMES), data=st.data())
def test_setting_values(name, data):
    """Breaks if some value of some key passes the types and then breaks a check."""
    experiment = get_experiment(name)
    keys = st.sampled_from(experiment.setting_keys())
    values = data.draw(st.dictionaries(keys, VALUE, min_size=1, max_size=3))
    check_survives("setting values", lambda: experiment.with_values(values))


def test_errors_are_ours():
    """Breaks if the check above would let a foreign exception pass."""
    with pytest.raises(ZeroDivisionError):
        check_survives("own check", lambda: 1 / 0)
    check_survives("own check", lambda: (_ for _ in ()).throw(RunFolderError("a\nb\x1b[2J")))
