"""What other programs leave in the environment or the home folder changes no command."""

import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from calosim_tf import surroundings
from calosim_tf.data_prep.sources import data_folder
from calosim_tf.errors import ConfigError
from calosim_tf.training.run_folder import RunFolder

# As a notebook, an older Keras, another project and a misconfigured node leave it
FOREIGN = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TF_USE_LEGACY_KERAS": "1",
    "KERAS_BACKEND": "torch",
    "OMP_NUM_THREADS": "0",
}


@pytest.fixture
def foreign_home(tmp_path):
    """Home folder with another project's keras.json, and a matplotlibrc in the working folder beside it."""
    (tmp_path / "home" / ".keras").mkdir(parents=True)
    text = json.dumps({"image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-3})
    (tmp_path / "home" / ".keras" / "keras.json").write_text(text)
    (tmp_path / "matplotlibrc").write_text("backend: nonsense\nfont.size: many\nsavefig.format: pdf\n")
    return tmp_path / "home"


def test_a_run_is_bit_for_bit_the_same_in_foreign_surroundings(
    calosim, finished_run, foreign_home, tmp_path, tiny_settings
):
    """Breaks if a keras.json, a notebook's plot backend or a matplotlibrc ends a run or reaches into it."""
    process = calosim(
        "train", "photon", "--iterations", 10, "--out", tmp_path / "run", *tiny_settings,
        cwd=tmp_path, HOME=str(foreign_home), **FOREIGN,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "run" / "report" / "report.html").is_file()
    here, there = (folder / "history.csv" for folder in (tmp_path / "run", finished_run[0]))
    assert here.read_text() == there.read_text()


def test_networks_of_channels_last_layers_are_built_whatever_keras_json_says(calosim, foreign_home, tmp_path):
    """Breaks if the image format of another project reaches convolutions, or doctor does not name the file."""
    process = calosim("info", "conv2d_g1_smoke", "--json", HOME=str(foreign_home))
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == json.loads(calosim("info", "conv2d_g1_smoke", "--json").stdout)
    (foreign_home / ".keras" / "keras.json").write_text('{"floatx": "nonsense"}')
    process = calosim("doctor", cwd=tmp_path, HOME=str(foreign_home), **FOREIGN)
    assert process.returncode == 0, process.stdout
    assert f"{foreign_home / '.keras' / 'keras.json'} (floatx nonsense) is not used" in process.stdout
    assert "MPLBACKEND=module://matplotlib_inline.backend_inline is not used" in process.stdout


def test_float32_also_where_another_package_set_keras_in_this_process():
    """Breaks if networks take the precision that something imported before them has set."""
    import keras

    from calosim_tf.experiments import get_experiment
    from calosim_tf.training.build import build_generator

    try:
        keras.backend.set_floatx("float16")
        keras.backend.set_image_data_format("channels_first")
        network = build_generator(get_experiment("photon_smoke"))
        assert {tf.as_dtype(weight.dtype).name for weight in network.weights} == {"float32"}
        assert keras.backend.image_data_format() == "channels_last"
    finally:
        keras.backend.set_floatx("float32")
        keras.backend.set_image_data_format("channels_last")


def test_a_run_whose_report_fails_is_not_finished_with_exit_0(calosim, tmp_path, tiny_settings):
    """Breaks if status.json says finished while the report is missing, or --resume does not make it."""
    run = tmp_path / "run"
    process = calosim("train", "photon", "--iterations", 4, "--out", run, "--no-report", *tiny_settings)
    assert process.returncode == 0, process.stderr
    (run / "report").write_text("in the way")
    again = ("train", "photon", "--iterations", 4, "--out", run, "--resume", *tiny_settings)
    process = calosim(*again)
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr
    assert json.loads((run / "status.json").read_text()) == {"iteration": 4, "state": "failed", "exit": 2}
    (run / "report").unlink()
    assert calosim(*again).returncode == 0
    assert json.loads((run / "status.json").read_text()) == {"iteration": 4, "state": "finished", "exit": 0}


def test_a_failure_of_any_kind_in_the_report_shows_in_the_status(tmp_path):
    """Breaks if only our own errors are noted."""
    from calosim_tf.training.judging.verdict import reporting

    run = RunFolder(tmp_path)
    run.write_status(7, "finished", 0)

    def fail():
        with reporting(run):
            assert run.status()["state"] == "running"
            return 1 // 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert run.status() == {"iteration": 7, "state": "failed", "exit": 1}


def test_data_are_kept_somewhere_for_a_user_without_home_and_name(monkeypatch, tmp_path):
    """Breaks if a container's user id, which no name belongs to, ends in a traceback of pathlib."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("CALOSIM_DATA", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert surroundings.home_folder() is None
    assert data_folder() == tmp_path / f"calosim-{os.getuid()}"
    # somebody else's folder of that name is not trusted
    (tmp_path / f"calosim-{os.getuid() + 1}").mkdir()
    owner = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: owner + 1)
    with pytest.raises(ConfigError, match="belongs to another user, expected a folder for data: set CALOSIM_DATA"):
        data_folder()
    monkeypatch.setenv("CALOSIM_DATA", "~nobody-of-this-name/data")
    assert str(data_folder()) == "~nobody-of-this-name/data"


@pytest.mark.slow
def test_doctor_answers_without_home_and_name(tmp_path):
    """Breaks if doctor, whose task it is to say so, needs a home folder itself."""
    code = "import pwd\npwd.getpwuid = lambda uid: {}[uid]\nfrom calosim_tf.cli import main\nexit(main(['doctor']))"
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "CALOSIM_DATA", "USER")}
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert process.returncode == 0, process.stderr
    assert "none: HOME is not set and the user has no name; set HOME" in process.stdout


def test_a_report_is_the_same_whatever_is_set_for_the_interpreter(calosim, public_like_file, tmp_path):
    """Breaks if docstrings that are stripped (python -OO), warnings as errors or a sitecustomize that sets up
    matplotlib end a report or reach into it.
    """
    site = tmp_path / "site"
    site.mkdir()
    words = (
        "import matplotlib; matplotlib.use('pdf'); matplotlib.rcParams.update({'text.usetex': True, 'font.size': 3})"
    )
    (site / "sitecustomize.py").write_text(words)
    odd = {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "PYTHONPATH": str(site)}
    documents, pictures = [], []
    for name, environment in (("plain", {}), ("odd", odd)):
        arguments = ("--reference", public_like_file, "--metrics", "response_mean", "--out", tmp_path / name)
        process = calosim("evaluate", public_like_file, *arguments, **environment)
        assert (process.returncode, process.stderr) == (0, "")
        documents.append((tmp_path / name / "metrics.json").read_text())
        pictures.append((tmp_path / name / "plots" / "energy_grid.png").read_bytes())
    assert documents[0] == documents[1]
    assert pictures[0] == pictures[1]
