"""What ``calosim`` says to somebody who has just installed it and types nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from calosim_tf.cli import WELCOME, build_parser

COMMANDS = re.findall(r"^  calosim (.*)$", WELCOME, re.MULTILINE)


def test_without_arguments_it_says_what_to_do_next(tmp_path):
    """Breaks when a first start ends in a refusal, waits for TensorFlow, or leaves files behind."""
    calosim = [str(Path(sys.executable).parent / "calosim")]
    done = subprocess.run(calosim, capture_output=True, text=True, cwd=tmp_path, timeout=5, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "calosim generate pretrained:photon" in done.stdout
    assert "calosim doctor" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert list(tmp_path.iterdir()) == []


def test_a_command_without_a_name_is_still_refused(tmp_path):
    """Breaks when options alone pass as a first start: a script whose command is empty would go on."""
    calosim = [str(Path(sys.executable).parent / "calosim"), "--quiet"]
    done = subprocess.run(calosim, capture_output=True, text=True, cwd=tmp_path, timeout=5, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_what_it_proposes_is_a_command(command):
    """Breaks when an option or a command that it proposes is renamed."""
    build_parser().parse_args(command.split())


@pytest.mark.slow
def test_its_first_command_does_what_it_says(calosim, tmp_path):
    """Breaks when the first thing that a user is told to type fails, or makes other showers than promised."""
    process = calosim(*COMMANDS[0].split(), cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    with h5py.File(tmp_path / "showers.hdf5") as file:
        assert file["showers"].shape == (2000, 368)
