"""Names of files that are no text in the locale are shown escaped, and end nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from calosim_tf.files import shown

LATIN_1 = b"gro\xdfer.hdf5"
# Python then takes every byte of an umlaut for a character of its own
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def _calosim(*arguments, cwd, environment):
    return subprocess.run(
        [sys.executable, "-m", "calosim_tf", *map(os.fsencode, arguments)],
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "environment", "label"),
    [(LATIN_1, {}, "gro\\xdfer.hdf5"), ("größer.hdf5".encode(), C_LOCALE, "größer.hdf5")],
    ids=["latin-1", "C locale"],
)
def test_a_report_on_a_file_whose_name_is_no_text(tmp_path, public_like_file, name, environment, label):
    """Breaks if a title with such a name ends in a traceback of matplotlib, or a comparison cannot be written."""
    (tmp_path / os.fsdecode(name)).symlink_to(public_like_file)
    command = ("evaluate", name, "--reference", public_like_file, "--out", b"out_" + name, "--metrics", "response_mean")
    process = _calosim(*command, cwd=tmp_path, environment=environment)
    assert process.returncode == 0, process.stderr.decode()
    out = tmp_path / os.fsdecode(b"out_" + name)
    document = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert document["generated"]["source"] == label
    assert label in (out / "report.html").read_text(encoding="utf-8")
    shutil.copytree(out, tmp_path / "again")
    process = _calosim("compare", out, "again", "--out", "both", cwd=tmp_path, environment=environment)
    assert process.returncode == 0, process.stderr.decode()
    assert label in (tmp_path / "both" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_folder_that_tensorflow_cannot_name_is_one_line(tmp_path):
    """Breaks if the first checkpoint is what finds out."""
    process = _calosim("train", "photon", "--out", LATIN_1, cwd=tmp_path, environment={})
    assert process.returncode == 2
    assert process.stderr.count(b"\n") == 1
    assert b"TensorFlow takes names of files as text" in process.stderr
    assert list(tmp_path.iterdir()) == []


def test_names_are_text_after_escaping():
    """Breaks if a lone surrogate from a JSON file, or a name with an umlaut in it, cannot be written."""
    assert shown(Path(os.fsdecode(LATIN_1))) == "gro\\xdfer.hdf5"
    assert shown("größer \ud800") == "größer \\ud800"
