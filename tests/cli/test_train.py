"""``calosim train``: run folder, report, resume after a stop and after a kill, refusals."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf


def weights(folder, iteration):
    """Hash of every saved number but TensorFlow's own bookkeeping."""
    reader = tf.train.load_checkpoint(str(folder / "checkpoints" / str(iteration) / "state"))
    names = [
        n for n in sorted(reader.get_variable_to_shape_map()) if "OBJECT_GRAPH" not in n and "save_counter" not in n
    ]
    assert len(names) > 30
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + reader.get_tensor(name).tobytes())
    return digest.hexdigest()


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_run_leaves_the_agreed_folder(finished_run):
    """Breaks when a file of the run folder loses its name or its content."""
    folder, process = finished_run
    assert json.loads((folder / "status.json").read_text()) == {"iteration": 10, "state": "finished", "exit": 0}
    assert json.loads((folder / "config.json").read_text())["training"]["batch_size"] == 16
    data = json.loads((folder / "data.json").read_text())
    assert data["source"] == "EGSnrc sample"
    assert data["events_held_out"] * 4 == data["events_trained_on"]
    history = table(folder / "history.csv")
    assert [row["iteration"] for row in history] == ["2", "4", "6", "8", "10"]
    assert {"critic_loss_real", "critic_loss_fake", "critic_loss_penalty", "gradient_norm"} < set(history[0])
    selection = table(folder / "selection.csv")
    assert [row["iteration"] for row in selection] == ["4", "8", "10"]
    values = {row["iteration"]: float(row["chi2"]) / int(row["ndf"]) for row in selection}
    chosen = [row["iteration"] for row in selection if row["chosen"] == "1"]
    assert chosen == [min(values, key=values.get)]
    assert (folder / "checkpoints" / "latest").read_text() == "10\n"
    assert (folder / "checkpoints" / "best").read_text() == chosen[0] + "\n"
    assert list((folder / "tensorboard" / "train").glob("events.*"))
    assert (folder / "report" / "report.html").stat().st_size > 100_000
    metrics = json.loads((folder / "report" / "metrics.json").read_text())["metrics"]
    assert metrics["chi2_ndf_total_energy"]["value"] == pytest.approx(values[chosen[0]], rel=1e-3)
    assert metrics["chi2_ndf_total_energy"]["reference_vs_reference"] == pytest.approx(1.0, abs=0.35)
    assert "best" in process.stdout
    assert "report.html" in process.stdout
    assert process.stderr.startswith("calosim: photon: 10 iterations")


def test_an_existing_run_is_refused_in_one_line(calosim, finished_run, without_tensorflow, tiny_settings):
    folder, _ = finished_run
    process = calosim("train", "photon", "--out", folder, *tiny_settings, **without_tensorflow)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert "--resume" in process.stderr


def test_resume_before_the_start_and_after_the_end_and_in_pieces(calosim, finished_run, tmp_path, tiny_settings):
    """5 iterations (inside a row of the history), then 6, then 10, equal 10 in one go bit for bit."""
    folder, _ = finished_run
    for iterations in (5, 6, 10, 10):
        process = calosim(
            "train",
            "photon",
            "--iterations",
            iterations,
            "--out",
            tmp_path / "run",
            "--resume",
            "--no-report",
            *tiny_settings,
        )
        assert process.returncode == 0, process.stderr
    assert weights(tmp_path / "run", 10) == weights(folder, 10)
    assert (tmp_path / "run" / "history.csv").read_text() == (folder / "history.csv").read_text()


def start_and_wait_for(folder, condition, *arguments, experiment="photon"):
    command = [sys.executable, "-m", "calosim_tf", "train", experiment, "--out", str(folder), "--no-report", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    deadline = time.monotonic() + 120
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline, "the run did not get under way"
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGKILL, -9)])
def test_a_stopped_or_killed_run_goes_on_as_if_nothing_had_happened(calosim, tmp_path, tiny_settings, number, code):
    """Breaks when the stop loses iterations' state, or the resumed run repeats or skips data or noise."""
    run = tmp_path / "run"
    process = start_and_wait_for(
        run, (run / "checkpoints" / "latest").is_file, "--iterations", "100000", *tiny_settings
    )
    process.send_signal(number)
    _, message = process.communicate(timeout=60)
    assert process.returncode == code, message
    if number == signal.SIGTERM:
        assert json.loads((run / "status.json").read_text())["state"] == "stopped"
        assert "continue with --resume" in message
    reached = int((run / "checkpoints" / "latest").read_text())
    again = calosim(
        "train", "photon", "--out", run, "--iterations", reached + 3, "--resume", "--no-report", *tiny_settings
    )
    assert again.returncode == 0, again.stderr
    straight = tmp_path / "straight"
    process = calosim("train", "photon", "--out", straight, "--iterations", reached + 3, "--no-report", *tiny_settings)
    assert process.returncode == 0, process.stderr
    assert weights(run, reached + 3) == weights(straight, reached + 3)
    assert (run / "history.csv").read_text() == (straight / "history.csv").read_text()


def test_a_non_finite_loss_is_named_with_its_iteration(calosim, tmp_path, tiny_settings):
    """A learning rate of 10^30 overflows at once: exit 1, one line, status says failed."""
    process = calosim(
        "train", "photon", "--iterations", 50, "--out", tmp_path / "run", *tiny_settings,
        "training.learning_rate_critic=1e30", "training.learning_rate_generator=1e30",
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stderr.strip().splitlines()[-1].startswith("calosim: error: ")
    assert "expected finite numbers" in process.stderr
    assert "at iteration" in process.stderr
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "failed"


@pytest.mark.parametrize("limit", ["none", "0.0001"])
def test_the_public_layout_trains_in_memory_and_from_disk(calosim, public_like_file, tmp_path, tiny_settings, limit):
    """Breaks when float64, gzip or 15 energies are refused, or streaming loses the held-out part."""
    run = tmp_path / "run"
    settings = [*tiny_settings, f"data.memory_limit_gib={limit}"]
    process = calosim(
        "train", "photon", "--data", public_like_file, "--iterations", 2, "--out", run, "--no-report", *settings
    )
    assert process.returncode == 0, process.stderr
    data = json.loads((run / "data.json").read_text())
    assert data["normalisation"]["kin_min_mev"] == 256.0
    assert data["normalisation"]["kin_max_mev"] == 2.0**22
    assert data["events_trained_on"] + data["events_held_out"] == data["events_selected"] == data["files"][0]["events"]
    assert (data["streamed_group_rows"] is None) == (limit == "none")
    assert [row["iteration"] for row in table(run / "selection.csv")] == ["2"]
