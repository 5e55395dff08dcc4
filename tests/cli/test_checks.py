"""``calosim evaluate --checks`` on a tiny Conditional CaloGAN run and on files, end to end."""

import json

import h5py
import numpy as np
import pytest

from calosim_tf.data.bundled import bundled_sample

TINY = ["--set", "network.seed_channels=2", "network.generator_filters=3,2", "network.smearing_filters=2"]
TINY += ["network.critic_filters=2,2,2", "network.attribute_units=8,8,8,8", "network.latent.size=6"]
TINY += ["network.minibatch_features=2", "network.minibatch_dimensions=2"]
TINY += ["training.batch_size=16", "training.checkpoint_every=2", "training.log_every=1"]


def cut(path, first, last):
    """Some rows of the bundled sample."""
    with h5py.File(bundled_sample("calogan")) as sample, h5py.File(path, "w") as part:
        part.attrs["source"] = "EGSnrc sample"
        for name, values in sample.items():
            part[name] = values[first:last]
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file to train on and another one to compare with."""
    folder = tmp_path_factory.mktemp("calogan")
    return cut(folder / "train.hdf5", 0, 300), cut(folder / "test.hdf5", 300, 500)


@pytest.fixture(scope="module")
def tiny_run(calosim, files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "conditional"
    process = calosim(
        "train",
        "conditional_calogan_eplus",
        "--data",
        files[0],
        "--iterations",
        2,
        "--out",
        folder,
        "--no-report",
        *TINY,
    )
    assert process.returncode == 0, process.stderr
    return folder


def evaluate(calosim, subject, files, out, checks, *more, **environment):
    arguments = ["--reference", files[1], "--out", out, "--metrics", "response_mean_ratio", "--checks", checks]
    return calosim("evaluate", subject, *arguments, *more, **environment)


def test_all_checks_of_a_run(calosim, tiny_run, files, tmp_path):
    """Breaks when a check is left out, numbers or plots are missing, or a second evaluation is refused."""
    out = tmp_path / "report"
    (out / "checks").mkdir(parents=True)
    (out / "checks" / "checks.json").write_text("of an earlier generator")
    process = evaluate(calosim, tiny_run, files, out, "images,neighbours,traversal,attributes")
    assert process.returncode == 0, process.stderr
    assert (out / "metrics.json").is_file()
    document = json.loads((out / "checks" / "checks.json").read_text())
    assert list(document["images"]) == ["layer_0", "layer_1", "layer_2"]
    memory = document["neighbours"]["memorisation"]
    assert (memory["n_training"], memory["n_held_out"], memory["n_generated"]) == (240, 60, 60)
    assert memory["ratio"] > 1.2  # 2 iterations teach nothing
    assert list(document["traversal"]) == ["incident_energy_mev", "theta_rad", "phi_rad", "x0_mm", "y0_mm"]
    walk = document["traversal"]["incident_energy_mev"]
    # untrained and hardly trained networks agree, real showers do not
    ends = {who: walk[who]["total_energy"]["change"] for who in ("trained", "untrained", "real")}
    assert ends["trained"] != ends["untrained"]
    assert ends["real"] == pytest.approx(9.8e4, rel=0.15)
    control = document["attributes"]
    assert control["critic_left_out"] is None
    assert control["share_of_real_trained_on"] == 0.0
    assert control["y0_mm, centres"]["real"]["slope"] == pytest.approx(1.0, abs=0.1)
    assert abs(control["y0_mm, critic"]["generated"]["slope"]) < 0.1
    names = {path.stem for path in (out / "checks" / "plots").iterdir()}
    expected = {"mean_images", "neighbours", "memorisation", "attribute_control"}
    assert names == expected | {f"traversal_{name}{end}" for name in document["traversal"] for end in ("", "_curves")}
    assert "memorisation: median distance" in process.stdout


def test_a_file_has_neighbours_and_images_only(calosim, files, tmp_path, without_tensorflow):
    """Breaks when a file of showers cannot be checked, needs TensorFlow, or is said to be free of copies."""
    command = (files[1], files, tmp_path / "report", "neighbours,images", "--detector", "calogan", "--json")
    process = evaluate(calosim, *command, **without_tensorflow)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["metrics"]
    document = json.loads((tmp_path / "report" / "checks" / "checks.json").read_text())
    assert document["neighbours"]["memorisation"] is None
    assert document["images"]["layer_1"]["difference"] == 0.0
    # the file is the reference itself
    assert np.max(document["neighbours"]["layer_0"]["distance_mev"]) == 0.0


WRONG = {
    "unknown": ("neighbours,walks", "calogan", ("'walks'", "neighbours,traversal,images,attributes")),
    "needs_a_run": ("attributes", "calogan", ("attributes: needs a run", "found a file")),
    "rings": ("images", "photon", ("rectangular cells", "'photon'")),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_checked_is_said_in_one_line(calosim, files, tmp_path, without_tensorflow, case):
    """Breaks when a wrong request is found after the report is written, or ends in a traceback."""
    checks, detector, words = WRONG[case]
    command = (files[1], files, tmp_path / "report", checks, "--detector", detector)
    process = evaluate(calosim, *command, **without_tensorflow)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1, process.stderr
    assert process.stderr.startswith("calosim: error: --checks")
    for word in words:
        assert word in process.stderr
    assert not (tmp_path / "report").exists()
