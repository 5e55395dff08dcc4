"""``calosim generate`` on bundles: the same showers from every back end, two of them without TensorFlow."""

import json
import shutil

import h5py
import numpy as np
import pytest

REQUEST = ("--energies", 256, 65536, "--events", 150, "--no-clip", "--seed", 3)


def showers_of(path):
    with h5py.File(path) as stream:
        return stream["incident_energies"][:, 0], stream["showers"][:], dict(stream.attrs)


@pytest.fixture(scope="module")
def expected(calosim, bundle, tmp_path_factory):
    """From the SavedModel, in TensorFlow."""
    out = tmp_path_factory.mktemp("tf") / "tf.hdf5"
    process = calosim("generate", bundle, *REQUEST, "--out", out)
    assert process.returncode == 0, process.stderr
    return showers_of(out)


def test_a_bundle_gives_the_showers_of_its_run(calosim, finished_run, expected, tmp_path):
    """Breaks when the exported network, its normalisation or its latents are not those of the run."""
    out = tmp_path / "run.hdf5"
    assert calosim("generate", finished_run[0], *REQUEST, "--out", out).returncode == 0
    energies, showers, attributes = showers_of(out)
    np.testing.assert_array_equal(energies, expected[0])
    np.testing.assert_allclose(showers, expected[1], atol=1e-5 * showers.max())
    assert attributes["source"] == expected[2]["source"]


@pytest.mark.parametrize(
    ("backend", "options"), [("onnx", ()), ("onnx", ("--batch", 7, "--threads", 1)), ("tflite", ("--batch", 40))]
)
def test_back_ends_without_tensorflow_give_the_same(
    calosim, bundle, expected, without_tensorflow, tmp_path, backend, options
):
    """Breaks when a back end imports TensorFlow, draws other latents, or depends on the batch."""
    out = tmp_path / "showers.hdf5"
    process = calosim("generate", bundle, *REQUEST, "--backend", backend, *options, "--out", out, **without_tensorflow)
    assert process.returncode == 0, process.stderr
    energies, showers, attributes = showers_of(out)
    np.testing.assert_array_equal(energies, expected[0])
    np.testing.assert_allclose(showers, expected[1], atol=1e-5 * np.abs(expected[1]).max())
    assert (attributes["backend"], attributes["source"]) == (backend, expected[2]["source"])


def damaged(bundle, folder, change):
    copy = shutil.copytree(bundle, folder / "bundle")
    change(copy)
    return copy


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_size(folder):
    """A sidecar of a network with another latent, as if two exports were mixed."""
    path = folder / "sidecar.json"
    sidecar = json.loads(path.read_text())
    sidecar["networks"][0]["latent"]["size"] += 1
    path.write_text(json.dumps(sidecar))


BAD = {
    "one bit": (lambda folder: flip(folder / "model.onnx"), "onnx", "expected the"),
    "other network": (other_size, "onnx", "the network is of another export"),
    "other network, tflite": (other_size, "tflite", "the network is of another export"),
    "no file": (lambda folder: (folder / "model.b1.tflite").unlink(), "tflite", "no such file"),
    "no JSON": (lambda folder: (folder / "sidecar.json").write_text("{"), "onnx", "is not JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_bundle_is_one_line(calosim, bundle, without_tensorflow, tmp_path, case):
    """Breaks when damage passes, ends in a traceback, or leaves a file."""
    change, backend, words = BAD[case]
    out = tmp_path / "out.hdf5"
    process = calosim(
        "generate", damaged(bundle, tmp_path, change), *REQUEST, "--backend", backend, "--out", out,
        **without_tensorflow,
    )  # fmt: skip
    lines = [line for line in process.stderr.splitlines() if not line.startswith("INFO: Created TensorFlow Lite")]
    assert (process.returncode, len(lines)) == (2, 1), process.stderr
    assert words in lines[0]
    assert not list(tmp_path.glob("*.hdf5*"))


def test_what_cannot_run_is_refused_at_once(calosim, bundle, finished_run, without_tensorflow, tmp_path):
    """Breaks when TensorFlow is loaded, or a file is begun, before the request is checked."""
    for subject, options, words in (
        (finished_run[0], ("--backend", "onnx"), "calosim export"),
        (bundle, ("--backend", "tflite", "--precision", "int8"), "no format tflite_int8"),
        (bundle, ("--backend", "onnx", "--precision", "int8"), "--precision: found 'int8' with back end onnx"),
    ):
        process = calosim("generate", subject, *REQUEST, *options, "--out", tmp_path / "x.hdf5", **without_tensorflow)
        assert (process.returncode, process.stderr.count("\n")) == (2, 1), process.stderr
        assert words in process.stderr
    assert not list(tmp_path.iterdir())


def test_bench_of_the_fast_path_needs_no_tensorflow(calosim, bundle, without_tensorflow, tmp_path):
    """Breaks when timing loads TensorFlow, a row or its share is left out, or the chart is not drawn."""
    record, chart = tmp_path / "bench.json", tmp_path / "bench.png"
    process = calosim(
        "bench", "generate", bundle, "--backend", "onnx,tflite", "--precision", "float32", "--batch", "1,64",
        "--steps", 2, "--jobs", 1, "--events", 60, "--out", record, "--plot", chart, **without_tensorflow,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    result = json.loads(record.read_text())
    for one, batch in zip(result["batches"], (1, 64), strict=True):
        assert one["batch"] == batch
        assert [row["backend"] for row in one["rows"]] == ["onnx", "tflite", "onnxruntime-default"]
        assert one["best"]["any"][0] in ("onnx", "tflite")
        assert f"best back end at batch {batch}: {one['best']['any'][0]}" in process.stdout
        for row in one["rows"]:
            assert 0.0 < row["roofline_share"]["min"] <= row["roofline_share"]["median"]
        assert one["rows"][0]["job"]["events"] == 60
        assert 30 < one["rows"][0]["job"]["peak_memory_mib"] < 400
    # latent of 4 and label to 6, 5 and 368
    assert result["multiply_adds_per_shower"] == 5 * 6 + 6 * 5 + 5 * 368
    assert result["machine"]["threads"] >= 1
    assert chart.read_bytes().startswith(b"\x89PNG")
