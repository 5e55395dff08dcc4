"""Malformed data and settings of every layout at the command line: one line, exit 2, no output, no TensorFlow."""

from __future__ import annotations

import json
import sys
import time

import h5py
import numpy as np
import pytest

from calosim_tf.cli import main

LIMIT_S = 1.0
# Layout -> experiment that reads it and datasets of the file, by what they hold
EXPERIMENTS = {
    "photon": "photon",
    "lhcb": "lhcb_sagan_sn_gd",
    "calogan": "conditional_calogan_eplus",
    "ecal": "conv2d_g1",
    "ecal_angle": "conv3d_angle",
}
CELLS = {
    "photon": "showers", "lhcb": "EnergyDeposit", "calogan": "layer_1", "ecal": "ECAL", "ecal_angle": "ECAL",
}  # fmt: skip
ENERGY = {
    "photon": "incident_energies", "lhcb": "ParticleMomentum", "calogan": "energy", "ecal": "target",
    "ecal_angle": "energy",
}  # fmt: skip
CELL_NAMES = ("showers", "EnergyDeposit", "ECAL", "layer_0", "layer_1", "layer_2")
# What cells of a usual mistake are off by; MeV read as GeV or vice versa where it is not named
OTHER_UNIT = {"ecal": 1e3, "ecal_angle": 20.0}
EVENTS = 12


@pytest.fixture(scope="module")
def sound(cells, photon_showers):
    """``sound(layout)``: fresh arrays of a sound file."""
    incident, showers = photon_showers

    def arrays(layout):
        if layout == "photon":
            chosen = {"incident_energies": incident[:EVENTS, None], "showers": showers[:EVENTS]}
            return {name: values.astype("f4") for name, values in chosen.items()}
        return {name: values.copy() for name, values in cells(layout, EVENTS).items()}

    return arrays


def one_number(which, value):
    def change(layout, arrays):
        name = which[layout]
        values = arrays[name]
        if name == "target":
            values[5, 1] = value
        else:
            values[5] = value if values[5].size == 1 else values[5]
            values.reshape(EVENTS, -1)[5, -1 if which is ENERGY else 0] = value

    return change


def replaced(which, function):
    def change(layout, arrays):
        arrays[which[layout]] = function(arrays[which[layout]])

    return change


def without(which):
    return lambda layout, arrays: arrays.pop(which[layout])


# Faults in the content: what is wrong -> change of the arrays
CONTENT = {
    "nan cell": one_number(CELLS, np.nan),
    "infinite cell": one_number(CELLS, np.inf),
    "negative cell": one_number(CELLS, -1.0),
    "nan energy": one_number(ENERGY, np.nan),
    "negative energy": one_number(ENERGY, -5.0),
    "cells are missing": without(CELLS),
    "energies are missing": without(ENERGY),
    "a shower is missing": replaced(CELLS, lambda values: values[:-1]),
    "an energy is missing": replaced(ENERGY, lambda values: values[:-1]),
    "no events": lambda layout, arrays: arrays.update({name: values[:0] for name, values in arrays.items()}),
    "text": replaced(CELLS, lambda values: np.full(values.shape, b"1.0")),
    "one axis too many": replaced(CELLS, lambda values: values[..., None, None]),
    "a cell too few": replaced(CELLS, lambda values: values[:, :-1]),
    "empty showers": lambda layout, arrays: arrays.update(
        {name: 0 * values for name, values in arrays.items() if name in CELL_NAMES}
    ),
    "cells in another unit": lambda layout, arrays: arrays.update(
        {name: v * OTHER_UNIT.get(layout, 1e-3) for name, v in arrays.items() if name in CELL_NAMES}
    ),
}


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# Faults of the file: what is wrong -> change of the file
FILES = {
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "empty": lambda path: path.write_bytes(b""),
    "cut in half": cut,
    "text": lambda path: path.write_text("event,energy\n1,2\n"),
    "a web page": lambda path: path.write_text("<!DOCTYPE html>\n<html>sign in</html>"),
    "a pointer of Git LFS": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\nsize 3\n"),
}
DATA_CASES = [(layout, "content", what) for layout in EXPERIMENTS for what in CONTENT]
DATA_CASES += [(layout, "file", what) for layout in EXPERIMENTS for what in FILES]

SETTINGS = [
    ("photon", "training.batchsize=3", "did you mean 'training.batch_size'"),
    ("photon", "network.latent.sizes=3", "did you mean 'network.latent.size'"),
    ("photon", "latent=3", "is unknown"),
    ("photon", "training.batch_size=many", "expected an integer"),
    ("photon", "training.batch_size=1.5", "expected an integer"),
    ("photon", "training.batch_size=0", "expected a number >= 1"),
    ("photon", "training.learning_rate_critic=nan", "expected a finite number"),
    ("photon", "training.learning_rate_generator=-1", "expected a number > 0"),
    ("photon", "training.beta1_critic=1", "expected a number in [0, 1)"),
    ("photon", "training.optimizer_critic=sgd", "expected one of adam"),
    ("photon", "training.penalty=both", "expected one of"),
    ("photon", "training.jit_compile=maybe", "expected true or false"),
    ("photon", "training.schedule=cosine", "training.schedule_iterations: found 0"),
    ("photon", "network.bn_mode=thawed", "expected one of frozen, batch"),
    ("photon", "network.generator_units=8,x", "expected an integer"),
    ("photon", "network.generator_units=", "expected at least one width"),
    ("photon", "network.n_outputs=367", "expected 368 for layout photon"),
    ("photon", "data.normalisation=kinetick", "data.normalisation: found 'kinetick', expected one of "),
    ("photon", "data.holdout_fraction=1", "expected a number in (0, 1)"),
    ("photon", "data.energy_min_mev=10 data.energy_max_mev=5", "expected at most data.energy_max_mev"),
    ("photon", "data.energy_min_mev=1e9", "no event has an incident energy"),
    ("photon", "run.seed=-1", "expected an integer in"),
    ("photon", "run.keep_checkpoints=0", "expected a number >= 1"),
    ("photon", "training.algorithm=hinge", "expected one of wgan_gp"),
    ("photon_2gan", "members.middle.training.batch_size=3", "is unknown"),
    ("photon_2gan", "members.low.energy_max_mev=0", "members.low"),
    ("lhcb_sagan_sn_gd", "network.attention=everywhere", "expected one of none"),
    ("lhcb_sagan_sn_gd", "network.generator_filters=8,8", "expected 4 numbers of channels"),
    ("lhcb_cvae", "training.reconstruction=mse", "expected one of batch_root, gaussian"),
    ("lhcb_cvae", "network.latent.std=2", "to which the encoder is pulled"),
    ("lhcb_cvae_cgan", "network.refiner_windows=5,5", "expected 4 odd numbers"),
    ("lhcb_cvae_cgan", "training.score_loss=lsgan", "expected one of hinge, wasserstein"),
    ("ilc_wgan_photon", "network.generator_filters=8,8", "expected 4 numbers of channels"),
    ("ilc_wgan_photon", "training.optimizer_constrainer=lion", "radam_lookahead, sgd"),
    ("ilc_gan_photon", "training.generated_energy_gev=100,10", "expected two ascending energies"),
    ("ilc_gan_photon", "training.critic_steps=2", "learn from the same showers"),
    ("bib_ae_photon", "network.latent.std=2", "to which the encoder is pulled"),
    ("bib_ae_photon", "network.latent_sampling=gauss", "expected one of normal, kde"),
    ("bib_ae_photon", "network.decoder_filters=8,8", "expected 6 numbers of channels"),
    ("bib_ae_photon", "training.mmd_sharpness=1,-1", "expected numbers > 0"),
    ("bib_ae_photon", "training.reuse_minibatch=false", "see the same showers"),
    ("conditional_calogan_eplus", "training.attribute_loss_on=fake", "expected one of real"),
    ("conditional_calogan_eplus", "training.attribute_weights=1,2", "expected one number >= 0 or one for each"),
    ("conv2d_g1", "training.label_real=0", "expected a number in (0, 1]"),
    ("conv2d_g1", "training.schedule=cosine training.schedule_iterations=4", "set training.file_decay=0"),
    ("conv2d_g1", "training.fake_energy_gev=5,2", "expected two ascending energies"),
]
SETTINGS_FILES = [
    ("a.yaml", "training: [1, 2", "is not YAML"),
    ("a.yaml", "- 1", "expected a table"),
    ("a.yaml", "training: {batch_size: 8, batch_size: 9}", "'batch_size' is given twice"),
    ("a.yaml", "a: &a [1, 1]\nb: [*a, *a]", "references"),
    ("a.yaml", "training: {iterations: 2026-13-45}", "is not YAML"),
    ("a.yaml", "training: {batch_size: !!int many}", "is not YAML"),
    ("a.yaml", "run: !!python/object/apply:os.system ['true']", "is not YAML"),
    ("a.yaml", "[" * 3000, "is not YAML"),
    ("a.yaml", "training:\n  batch: 3\n", "did you mean 'training.batch_size'"),
    ("a.json", "{", "is not JSON"),
    ("a.json", '{"training": {"batch_size": [8]}}', "expected an integer"),
    ("a.json", "[" * 90_000, "is not JSON"),
    ("a.yaml", "x" * 200_000, "characters"),
]


@pytest.fixture
def check_refused(tmp_path, capsys, monkeypatch):
    """``check_refused(words, *arguments)``: one line with the words, exit 2, nothing new on disk; gives the time."""
    monkeypatch.chdir(tmp_path)
    # importing it now raises ImportError, which no command catches
    for name in ("tensorflow", "keras"):
        monkeypatch.setitem(sys.modules, name, None)

    def check(words, *arguments):
        before = sorted(tmp_path.rglob("*"))
        start = time.process_time()
        code = main([str(item) for item in arguments])
        taken = time.process_time() - start
        message = capsys.readouterr().err
        assert code == 2, message
        assert message.count("\n") == 1, message
        assert message.startswith("calosim: error: ")
        assert all(word in message for word in words), message
        assert sorted(tmp_path.rglob("*")) == before
        assert taken < LIMIT_S
        return taken

    return check


def write(path, arrays, **options):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, **options)
    return path


@pytest.mark.parametrize(("layout", "kind", "what"), DATA_CASES)
def test_malformed_data(check_refused, sound, count, tmp_path, layout, kind, what):
    """Breaks if the file is trained on, something is written, or the error is not one quick line."""
    arrays = sound(layout)
    if kind == "content":
        CONTENT[what](layout, arrays)
    path = write(tmp_path / "bad.hdf5", arrays)
    if kind == "file":
        FILES[what](path)
    check_refused(["bad.hdf5"], "train", EXPERIMENTS[layout], "--data", path, "--out", tmp_path / "run")
    count("malformed data files", f"{len(DATA_CASES)}, {len(EXPERIMENTS)} layouts, one line each, exit 2")


@pytest.mark.parametrize("layout", EXPERIMENTS)
def test_flipped_bits_in_packed_data(check_refused, sound, tmp_path, layout):
    """Breaks if a flipped bit in a file of ours goes unnoticed: each chunk has a checksum."""
    path = write(tmp_path / "bad.hdf5", sound(layout), compression="gzip", fletcher32=True)
    with h5py.File(path) as file:
        chunk = file[CELLS[layout]].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(content)
    check_refused(["bad.hdf5"], "train", EXPERIMENTS[layout], "--data", path, "--out", tmp_path / "run")


@pytest.mark.parametrize(("experiment", "settings", "words"), SETTINGS)
def test_malformed_settings(check_refused, count, tmp_path, experiment, settings, words):
    """Breaks if a wrong setting passes, or is found after something was written."""
    check_refused([words], "train", experiment, "--out", tmp_path / "run", "--set", *settings.split())
    count("malformed settings", f"{len(SETTINGS) + len(SETTINGS_FILES)}, one line each, exit 2")


def test_a_normalisation_is_looked_up_before_the_data(check_refused, tmp_path):
    """Breaks if minutes go into reading data before a misspelt normalisation is found."""
    nowhere = ("--data", tmp_path / "nowhere.hdf5", "--out", tmp_path / "run")
    check_refused(["data.normalisation"], "train", "photon", *nowhere, "--set", "data.normalisation=kinetick")


@pytest.mark.parametrize(("name", "text", "words"), SETTINGS_FILES)
def test_malformed_settings_files(check_refused, tmp_path, name, text, words):
    """The same for files, which anybody may have written."""
    (tmp_path / name).write_text(text)
    check_refused([words], "train", "photon", "--out", tmp_path / "run", "--config", tmp_path / name)


@pytest.mark.parametrize("layout", EXPERIMENTS)
def test_a_new_process_is_as_quick(calosim, without_tensorflow, sound, count, tmp_path, layout):
    """Breaks if start-up and check together take longer than a second of the processor."""
    import resource

    arrays = sound(layout)
    CONTENT["nan cell"](layout, arrays)
    path = write(tmp_path / "bad.hdf5", arrays)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = calosim(
        "train", EXPERIMENTS[layout], "--data", path, "--out", tmp_path / "run", OPENBLAS_NUM_THREADS="1",
        **without_tensorflow,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    assert (process.returncode, process.stderr.count("\n")) == (2, 1), process.stderr
    assert not (tmp_path / "run").exists()
    count(f"processor time of a refusal, new process, {layout}", f"{taken:.2f} s")
    assert taken < LIMIT_S


def test_sound_files_and_settings_pass_the_checks(sound, tmp_path, monkeypatch):
    """Breaks if the cases above are refused for another reason than their fault."""
    from calosim_tf.data.checks import check_report

    for layout in EXPERIMENTS:
        report = check_report(write(tmp_path / f"{layout}.hdf5", sound(layout)))
        assert report["events"] == EVENTS
        assert json.dumps(report)
