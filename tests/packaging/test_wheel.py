"""The wheel: what is in it, and that it works outside of the clone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

# The wheel is built and installed
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BUILD_FILES = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md")
# Folder in the tree -> folder in the wheel.
FOLDERS = {
    "calosim_tf": "calosim_tf",
    "experiments": "calosim_tf/experiments",
    "data_prep": "calosim_tf/data_prep",
}


def run(*command, cwd: Path, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, tests included: results of earlier builds in the clone must neither help nor harm."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, source)
    for name in (*FOLDERS, "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = run("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", target, source, cwd=target)
    assert built.returncode == 0, built.stderr
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """The wheel unpacked by pip into a separate folder; the dependencies come from the running environment."""
    target = tmp_path_factory.mktemp("site")
    done = run("-m", "pip", "install", "--no-deps", "--no-index", "-q", "--target", target, wheel, cwd=target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def calosim(site, tmp_path):
    """Runs ``python -m calosim_tf`` of the wheel in an empty folder."""
    return lambda *arguments: run("-m", "calosim_tf", *arguments, cwd=tmp_path, PYTHONPATH=str(site))


def expected_files() -> set[str]:
    """Every file of the three folders under its installed name: code, samples, trained networks, batch scripts."""
    return {
        f"{installed}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, installed in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_holds_all_code_and_data_and_nothing_else(wheel):
    """Breaks if a new package or data file is not covered by setup.py and setup.cfg, or if tests are shipped."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert "calosim_tf/data_prep/samples/photon.hdf5" in names
    assert names == expected_files()


def test_wheel_metadata(wheel):
    """Breaks if the command, the licence, the bound on Python or the one on setuptools is lost."""
    with zipfile.ZipFile(wheel) as archive:
        texts = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        entry_points = archive.read(texts["entry_points.txt"]).decode()
        metadata = archive.read(texts["METADATA"]).decode()
    assert "calosim = calosim_tf.__main__:main" in entry_points.splitlines()
    assert "licenses/LICENSE" in texts
    assert "Requires-Python: <3.14,>=3.11" in metadata
    assert "Requires-Dist: setuptools<81" in metadata


def test_installed_files_are_the_ones_that_run(site, tmp_path):
    """Breaks if an installed package is found in the clone only: the tests below would prove nothing."""
    program = (
        "import calosim_tf.data_prep, calosim_tf.experiments as e; print(e.__file__, calosim_tf.data_prep.__file__)"
    )
    done = run("-c", program, cwd=tmp_path, PYTHONPATH=str(site))
    assert done.stdout.split() == [
        str(site / "calosim_tf" / name / "__init__.py") for name in ("experiments", "data_prep")
    ]


def test_help_and_list(calosim):
    """Breaks if the installed command line does not start, or knows no experiments."""
    assert calosim("--help").stdout.startswith("usage: calosim")
    listed = calosim("list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "photon_quick" in listed.stdout


def test_trains_on_the_bundled_sample(calosim, tmp_path):
    """Breaks if a wheel needs the clone to train: sample not found, module left out, path relative to the tree."""
    done = calosim("train", "photon", "--iterations", "2", "--out", "run")
    assert done.returncode == 0, done.stderr
    status = json.loads((tmp_path / "run" / "status.json").read_text(encoding="utf-8"))
    assert status["iteration"] == 2
    assert (tmp_path / "run" / "report" / "report.html").stat().st_size > 10_000
