"""``calosim export``: one bundle, or one line and nothing."""

import importlib.util
import json
import shutil

import pytest

from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.cli import main
from calosim_tf.data.bundled import run_path

# dense layers alone: every format can hold it
PRETRAINED = "pretrained:photon_calo_shower_gan"


@pytest.fixture(scope="module")
def exported(calosim, tmp_path_factory):
    """Bundle of the pretrained photon generator, and the process that made it."""
    out = tmp_path_factory.mktemp("bundles") / "photon"
    command = (
        "export",
        PRETRAINED,
        "--format",
        "tflite,onnx,lwtnn",
        "--batch",
        "1",
        "--out",
        out,
    )
    return out, calosim(*command)


def test_the_bundle_is_whole_and_sound(exported):
    """Breaks when a part of the contract is missing, or stderr is buried under the converter's own notes."""
    out, process = exported
    assert process.returncode == 0, process.stderr
    assert process.stderr == f"calosim: {out}: photon_pretrained as tflite, onnx, lwtnn\n"
    assert {path.name for path in out.iterdir()} == {
        *("sidecar.json", "parity.json", "card.md", "model.b1.tflite", "model.onnx", "model.lwtnn.json")
    }
    assert [path.name for path in out.parent.iterdir()] == ["photon"]
    sidecar = read_sidecar(out)
    assert sidecar.metrics["values"]["chi2_ndf_total_energy"]["value"] == pytest.approx(1.704, abs=1e-3)
    rows = json.loads((out / "parity.json").read_text())["files"]
    assert {row["format"] for row in rows} == {"folded Keras network", "tflite", "onnx", "lwtnn"}
    assert all(row["largest_deviation_over_largest_output"] <= row["tolerance"] for row in rows)
    assert "EGSnrc sample" in (out / "card.md").read_text()


@pytest.fixture
def without_checkpoint(tmp_path):
    """A run that was begun and never got to a checkpoint."""
    folder = tmp_path / "begun"
    shutil.copytree(run_path(PRETRAINED), folder, ignore=shutil.ignore_patterns("checkpoints"))
    return folder


REFUSED = {
    "an unknown format": (("--format", "keras"), "--format: found 'keras', expected some of saved_model, "),
    "an odd batch": (("--format", "onnx", "--batch", "0"), "--batch: found '0'"),
    "a tolerance for nothing": (("--format", "onnx", "--tolerance", "cell_rms=1"), "goes with --format tflite_int8"),
    "a tolerance that is no number": (
        ("--format", "tflite_int8", "--tolerance", "cell_rms=little"),
        "found 'cell_rms=little', expected METRIC=VALUE",
    ),
    "a seed below 0": (("--format", "onnx", "--seed", "-1"), "--seed: found -1, expected an integer >= 0"),
    "no reference": (("--format", "tflite_int8", "--reference", "nowhere.hdf5"), "nowhere.hdf5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_request_is_one_line_without_tensorflow(calosim, tmp_path, without_tensorflow, case):
    """Breaks when a mistake first starts tensorflow, ends in a traceback, or leaves files behind."""
    options, expected = REFUSED[case]
    process = calosim("export", PRETRAINED, *options, "--out", tmp_path / "out", **without_tensorflow)
    assert process.returncode == 2
    assert expected in process.stderr
    assert process.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_checkpoint_is_refused(calosim, without_checkpoint, without_tensorflow):
    """Breaks when it is found by TensorFlow's reader, or exported with initial weights."""
    out = without_checkpoint.parent / "out"
    process = calosim("export", without_checkpoint, "--format", "onnx", "--out", out, **without_tensorflow)
    assert process.returncode == 2
    assert f"{without_checkpoint / 'checkpoints'}: found no checkpoint, expected at least one" in process.stderr
    assert process.stderr.count("\n") == 1
    assert not out.exists()


def test_what_is_no_bundle_is_not_replaced(calosim, exported, tmp_path, without_tensorflow):
    """Breaks when --force replaces a folder of the user's."""
    (tmp_path / "thesis.tex").write_text("")
    for out, options, expected in (
        (tmp_path, ("--force",), "found files that are no bundle"),
        (exported[0], (), "--force"),
    ):
        process = calosim(
            "export",
            PRETRAINED,
            "--format",
            "onnx",
            "--out",
            out,
            *options,
            **without_tensorflow,
        )
        assert (process.returncode, process.stderr.count("\n")) == (2, 1)
        assert expected in process.stderr


@pytest.mark.slow
def test_a_missing_extra_is_said_before_anything_is_written(monkeypatch, capsys, tmp_path):
    """Breaks when the other formats are written for minutes before the one without its extra is refused."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else found(name))
    assert main(["export", PRETRAINED, "--format", "tflite,onnx", "--out", str(tmp_path / "bundle")]) == 2
    assert capsys.readouterr().err == (
        "calosim: error: --format onnx: found no package tf2onnx, expected the extra: pip install 'calosim-tf[onnx]'\n"
    )
    assert list(tmp_path.iterdir()) == []
