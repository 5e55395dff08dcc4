"""``import calosim_tf``: at once, with all names, and without TensorFlow where a bundle needs none."""

from __future__ import annotations

import subprocess
import sys

import pytest

import calosim_tf
from calosim_tf import api

SLOW = ("tensorflow", "keras", "h5py", "pandas", "scipy", "matplotlib", "numpy")
LOADED = "import sys; print([name for name in sys.argv[1].split(',') if name in sys.modules])"


def run(program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_slow():
    """Breaks when the package imports what a name needs before it is asked for."""
    assert run(f"import calosim_tf; dir(calosim_tf); {LOADED}", ",".join(SLOW)) == "[]\n"


def test_package_has_the_names_of_the_interface():
    """Breaks when a name is added to one list alone, or is shadowed by a module of that name."""
    for name in calosim_tf.__all__:
        assert getattr(calosim_tf, name) is getattr(api, name)
        assert name in dir(calosim_tf)
    with pytest.raises(AttributeError, match="has no attribute 'generator'"):
        _ = calosim_tf.generator


@pytest.mark.slow
def test_a_bundle_needs_no_tensorflow(bundle_folder):
    """Breaks when loading, generating or saving without TensorFlow imports it on the way, or prints on stdout."""
    program = """
import sys
import calosim_tf
for backend in (None, "onnx", "tflite", "lwtnn"):
    generator = calosim_tf.load(sys.argv[2], backend=backend)
    showers = generator.generate([1024.0, 4096.0], events=20, seed=1)
    assert generator.info.backend == (backend or "onnx"), generator
    assert len(showers) == 40
"""
    assert run(program + LOADED, "tensorflow,keras", bundle_folder) == "[]\n"
