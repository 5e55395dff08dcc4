"""Commands that compute nothing must not wait for the packages that compute."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = ("tensorflow", "keras", "tensorflow_addons", "pandas", "scipy", "matplotlib")
PROGRAM = """
import sys
from calosim_tf.cli import main
try:
    code = main(sys.argv[2:])
except SystemExit as end:
    code = end.code
loaded = [name for name in sys.argv[1].split(",") if name in sys.modules]
sys.exit(f"loaded {loaded}" if loaded else code)
"""


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--help"], "usage: calosim"),
        (["--version"], "calosim_tf"),
        (["train", "--help"], "--iterations"),
        (["list"], "photon_quick"),
        (["list", "--json"], '"photon_quick"'),
    ],
)
def test_answers_without_slow_imports(arguments, answer, tmp_path):
    """Breaks if importing the command line, the experiments or the configuration pulls in tensorflow."""
    call = [sys.executable, "-c", PROGRAM, ",".join(SLOW), *arguments]
    done = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert answer in done.stdout


def test_the_probe_sees_a_slow_import(tmp_path):
    """Breaks if the check above could no longer fail: ``json`` is loaded by every command."""
    call = [sys.executable, "-c", PROGRAM, "json", "list"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (1, "loaded ['json']")
