"""Everything a user can get wrong: one line on stderr, exit 2, nothing written, tensorflow never imported."""

import json

import h5py
import numpy as np
import pytest


def write(path, energies=None, showers=None, **options):
    rng = np.random.default_rng(0)
    energies = np.full((8, 1), 1024.0) if energies is None else energies
    showers = rng.gamma(0.5, 5.0, (8, 368)) if showers is None else showers
    with h5py.File(path, "w") as stream:
        stream["incident_energies"] = energies
        stream.create_dataset("showers", data=showers, **options)


def with_nan(path):
    showers = np.full((8, 368), 2.0)
    showers[3, 7] = np.nan
    write(path, showers=showers)


def with_negative(path):
    showers = np.full((8, 368), 2.0)
    showers[5, 1] = -3.0
    write(path, showers=showers)


def cut(path):
    write(path)
    path.write_bytes(path.read_bytes()[:9000])


BAD_FILES = {
    "not_hdf5": lambda path: path.write_bytes(b"root\x00" * 300),
    "lfs_pointer": lambda path: path.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 173797023\n"
    ),
    "html_page": lambda path: path.write_text("<!DOCTYPE html>\n<html><body>sign in</body></html>\n"),
    "wrong_voxels": lambda path: write(path, showers=np.ones((8, 367))),
    "nan": with_nan,
    "negative": with_negative,
    "gev": lambda path: write(path, np.full((8, 1), 1.024), np.full((8, 368), 0.002)),
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "no_events": lambda path: write(path, np.zeros((0, 1)), np.zeros((0, 368))),
    "missing": lambda path: None,
}


def expect_one_line(process, *words):
    assert process.returncode == 2, process.stderr
    assert process.stderr.count("\n") == 1, process.stderr
    assert process.stderr.startswith("calosim: error: ")
    for word in words:
        assert word in process.stderr, process.stderr


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_data_file_stops_training_before_it_starts(calosim, without_tensorflow, tmp_path, kind):
    path = tmp_path / f"{kind}.hdf5"
    BAD_FILES[kind](path)
    process = calosim("train", "photon", "--data", path, "--out", tmp_path / "run", **without_tensorflow)
    expect_one_line(process, path.name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["nan", "gev", "cut"])
def test_data_check_and_evaluate_name_the_bad_file_too(calosim, without_tensorflow, tmp_path, kind):
    path = tmp_path / f"{kind}.hdf5"
    BAD_FILES[kind](path)
    good = tmp_path / "good.hdf5"
    write(good)
    expect_one_line(calosim("data", "check", path, **without_tensorflow), path.name)
    arguments = ("evaluate", path, "--reference", good, "--out", tmp_path / "out")
    expect_one_line(calosim(*arguments, **without_tensorflow), path.name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "fotons"), ("'fotons' is unknown", "photon")),
        (("train", "photon", "--set", "training.batchsize=3"), ("did you mean 'training.batch_size'",)),
        (("train", "photon", "--set", "training.batch_size"), ("expected KEY=VALUE",)),
        (("train", "photon", "--iterations", "ten"), ("training.iterations", "'ten'", "expected an integer")),
        (("train", "photon", "--seed", "-3"), ("run.seed",)),
        (("train", "photon", "--config", "absent.yaml"), ("absent.yaml", "cannot be read")),
        (("train", "photon", "--set", "data.energy_min_mev=1e7", "--out", "run"), ("1e+07", "65536")),
        (("train",), ("experiment", "--help")),
        (("frobnicate",), ("frobnicate", "--help")),
        (("generate", "absent", "--energies", "1", "--events", "1", "--out", "x"), ("absent", "run folder")),
        (("generate", "pretrained:absent", "--energies", "1", "--events", "1", "--out", "x"), ("pretrained:absent",)),
        (("generate", "pretrained:photon", "--energies", "-1", "--events", "1", "--out", "x"), ("-1.0", "MeV")),
        (("generate", "pretrained:photon", "--energies", "1", "--out", "x"), ("--events",)),
        (("generate", "pretrained:photon", "--energies", "1", "--events", "1", "--out", "no/x"), ("no", "not exist")),
        (("bench", "generate", "photon", "--batch", "0"), ("--batch", "'0'")),
        (("bench", "train", "photon", "--steps", "0"), ("--steps",)),
        (("bench", "scaling", "photon", "--predict", "2,x"), ("--predict: found 'x'",)),
        (("bench", "scaling", "photon", "--fleet", "300"), ("--slots", "expected both")),
        (("bench", "scaling", "photon", "--slots", "50"), ("--fleet", "expected both")),
        (("bench", "scaling", "photon", "--predict", "2", "--bandwidth", "0"), ("--bandwidth: found 0", "finite")),
        (("bench", "scaling", "photon", "--predict", "2", "--seconds-per-iteration", "nan"), ("iteration: found nan",)),
        (("info", "fotons"), ("'fotons' is unknown",)),
    ],
)
def test_a_wrong_command_line_is_one_line(calosim, without_tensorflow, tmp_path, arguments, words):
    process = calosim(*arguments, cwd=tmp_path, **without_tensorflow)
    expect_one_line(process, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.yaml", "training: [1, 2", "is not YAML"),
        ("a.json", "{", "is not JSON"),
        ("a.yaml", "- 1", "expected a table"),
        ("a.yaml", "training:\n  batch: 3\n", "did you mean 'training.batch_size'"),
        ("a.yaml", "training.penalty_weight: -1", "penalty_weight"),
    ],
)
def test_a_bad_settings_file_is_one_line(calosim, without_tensorflow, tmp_path, name, text, word):
    path = tmp_path / name
    path.write_text(text)
    expect_one_line(calosim("train", "photon", "--config", path, **without_tensorflow), word)


def test_debug_shows_the_traceback(calosim):
    process = calosim("--debug", "train", "fotons")
    assert process.returncode == 2
    assert "Traceback" in process.stderr


def test_list_and_info_speak_json(calosim, without_tensorflow):
    """The keys other programs read."""
    listed = json.loads(calosim("list", "--json", **without_tensorflow).stdout)
    assert {"photon", "photon_smoke"} <= {row["experiment"] for row in listed}
    described = json.loads(calosim("info", "photon", "--json").stdout)
    assert described["networks"]["generator"] == {
        "params_trainable": 260_504,
        "params_total": 262_640,
        "params_dense": 258_368,
        "conv_layers": 0,
        "inputs": {"condition": [1], "latent": [100]},
        "outputs": {"showers": [368]},
    }
    assert described["networks"]["critic"]["params_total"] == 408_113
    assert described["data"]["layout"] == "photon"
    assert described["published"][0]["value"] == 3.7
