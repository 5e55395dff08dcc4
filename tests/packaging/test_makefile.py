"""The Makefile, run with a stand-in for Python: what it installs when, and what it hands to calosim."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Thirty calls of make, for one file that seldom changes
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
INPUTS = ("setup.py", "setup.cfg", "pyproject.toml", "constraints.txt", "constraints-keras3.txt")

# Answers what depends on the version as that Python would, makes a "virtual environment" of scripts that note down how
# they are called, and stops a pip install when a file says so.
PYTHON = """#!/bin/sh
case "$*" in
    -c*)
        version=$(echo "${STAND_IN_VERSION:-3.11}" | tr . ,)
        exec "REAL" -c "import sys; sys.version_info = ($version, 0); exec(sys.argv[1])" "$2" ;;
    "-m venv "*)
        mkdir -p "$3/bin"
        cp "$0" "$3/bin/python"
        for name in calosim pytest; do
            printf '#!/bin/sh\\nprintf "<%%s>" "$@" > called\\n' > "$3/bin/$name"
            chmod +x "$3/bin/$name"
        done
        echo venv >> steps ;;
    "-m pip "*)
        for last; do test "$option" != -c || echo "$last" >> constraints; option=$last; done
        echo "pip $last" >> steps
        test "$last" != "$(cat stop 2>/dev/null)" ;;
esac
"""
INSTALL = ["venv", "pip wheel", "pip ."]


class Clone:
    """A folder with the Makefile and a stand-in for Python 3.11."""

    def __init__(self, path: Path):
        self.path = path

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return subprocess.run(
            ["make", "--no-print-directory", f"PYTHON={self.path}/python", *arguments],
            cwd=self.path,
            env=kept | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def take(self, name: str) -> str:
        """Text of a note of the stand-ins, which is then thrown away."""
        path = self.path / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.unlink(missing_ok=True)
        return text

    def steps(self) -> list[str]:
        return self.take("steps").splitlines()


@pytest.fixture
def clone(tmp_path) -> Clone:
    path = tmp_path / "a clone"
    path.mkdir()
    for name in ("Makefile", *INPUTS):
        shutil.copy(ROOT / name, path)
    (path / "python").write_text(PYTHON.replace("REAL", sys.executable), encoding="utf-8")
    (path / "python").chmod(0o755)
    return Clone(path)


def test_default_lists_every_target(clone):
    """Breaks if plain ``make`` does anything but explain itself, or if a target is missing in the list."""
    done = clone.make()
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ")]
    assert done.returncode == 0
    assert {"help", "train-photon", "test", "test-quick", "lint", "format", "install", "clean", "bench"} <= set(listed)
    assert clone.steps() == []


def test_fresh_clone_trains_with_one_command_and_installs_once(clone):
    """Breaks if a new user needs another step first, or if every training waits for pip again."""
    done = clone.make("train-photon")
    assert (done.returncode, done.stderr) == (0, "")
    assert "about 1 minute" in done.stdout
    assert clone.steps() == INSTALL
    assert clone.take("called") == "<train><photon_factorised><--out><runs/photon_factorised><--resume>"
    assert clone.make("train-photon").returncode == 0
    assert clone.steps() == []
    assert clone.take("called") != ""


@pytest.mark.parametrize(
    ("version", "constraints"),
    [("3.11", "constraints.txt"), ("3.12", "constraints-keras3.txt"), ("3.13", "constraints-keras3.txt")],
)
def test_fresh_clone_installs_the_versions_of_its_python(clone, version, constraints):
    """Breaks if the file is chosen before there is an environment to ask: nothing installs in a fresh clone."""
    for _ in range(2):
        done = clone.make("install-dev", STAND_IN_VERSION=version)
        assert (done.returncode, done.stderr) == (0, "")
        assert clone.take("constraints").split() == [constraints] * 3
        shutil.rmtree(clone.path / ".venv")


@pytest.mark.parametrize("name", INPUTS)
def test_changed_inputs_install_again(clone, name):
    """Breaks if new pins or dependencies do not reach an existing environment."""
    clone.make("install")
    clone.steps()
    later = (clone.path / ".venv/.installed").stat().st_mtime + 5
    os.utime(clone.path / name, (later, later))
    clone.make("install")
    assert clone.steps() == INSTALL


@pytest.mark.parametrize(("target", "stop"), [("install", "wheel"), ("install", "."), ("test", ".[dev]")])
def test_broken_off_install_is_begun_anew(clone, target, stop):
    """Breaks if an incomplete environment counts as complete: imports would fail until it is deleted by hand."""
    (clone.path / "stop").write_text(stop, encoding="utf-8")
    assert clone.make(target).returncode != 0
    assert clone.steps()[-1] == f"pip {stop}"
    (clone.path / "stop").unlink()
    (clone.path / ".venv/half").touch()
    assert clone.make("train-photon").returncode == 0
    assert clone.steps() == INSTALL
    assert not (clone.path / ".venv/half").exists()


def test_moved_clone_installs_again(clone, tmp_path):
    """Breaks if a copied or renamed clone still runs the code of the old location."""
    clone.make("install")
    clone.steps()
    moved = Clone(clone.path.rename(tmp_path / "moved"))
    moved.make("install")
    assert moved.steps() == INSTALL


def test_tools_are_added_to_the_environment_once(clone):
    """Breaks if tests run without their tools, or if these are installed again at every run."""
    assert clone.make("test").returncode == 0
    assert clone.steps() == [*INSTALL, "pip .[dev]"]
    assert clone.take("called") == "<-q><-m><not long><-n><2><--dist><loadfile>"
    clone.make("test", "ARGS=-k photon")
    clone.make("train-photon")
    assert clone.steps() == []


def test_quick_suite_leaves_out_what_is_slow_and_finds_what_has_become_slow(clone):
    """Breaks if `make test-quick` trains again, waits minutes for one test, or loses the options of the user."""
    assert clone.make("test-quick", "ARGS=-k photon", "JOBS=0").returncode == 0
    expected = "<-q><-m><not slow><--timeout><30><-n><0><--dist><loadfile><-k><photon>"
    assert clone.take("called") == expected


@pytest.mark.parametrize(("version", "found"), [("3.10", "found 3.10"), ("3.14", "found 3.14"), ("", "found none")])
def test_another_python_is_turned_away_in_one_line(clone, version, found):
    """Breaks if pip's pages of output come first, or if a broken .venv is left behind."""
    (clone.path / "python").write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    done = clone.make("train-photon")
    ours = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert done.returncode != 0
    assert len(ours) == 1
    assert f"needs Python 3.11, 3.12 or 3.13, {found}" in ours[0]
    assert not (clone.path / ".venv").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["PAPER=1"], "<train><photon><--out><runs/photon><--resume>"),
        (["PAPER=0"], "<train><photon_factorised><--out><runs/photon_factorised><--resume>"),
        (["OUT=my run"], "<train><photon_factorised><--out><my run><--resume>"),
        (["ITERATIONS=20"], "<train><photon_factorised><--out><runs/photon_factorised><--resume><--iterations><20>"),
        (
            ["DATA=a.hdf5 b.hdf5"],
            "<train><photon_factorised><--out><runs/photon_factorised><--resume><--data><a.hdf5><b.hdf5>",
        ),
        (
            ["DATA=with space.hdf5"],
            "<train><photon_factorised><--out><runs/photon_factorised><--resume><--data><with space.hdf5>",
        ),
        (
            ["DATA=part_*.hdf5"],
            "<train><photon_factorised><--out><runs/photon_factorised><--resume><--data><part_1.hdf5><part_2.hdf5>",
        ),
        (
            ["ARGS=--seed 3 --set 'a=b c'"],
            "<train><photon_factorised><--out><runs/photon_factorised><--resume><--seed><3><--set><a=b c>",
        ),
    ],
)
def test_variables_reach_the_command(clone, arguments, expected):
    """Breaks if a variable is lost or falls apart at a space: the run would silently use other data or settings."""
    for name in ("with space.hdf5", "part_1.hdf5", "part_2.hdf5"):
        (clone.path / name).touch()
    assert clone.make("train-photon", *arguments).returncode == 0
    assert clone.take("called") == expected


def test_variables_of_the_environment_count_too(clone):
    """Breaks if ``DATA=... make train-photon`` silently trains on the bundled sample."""
    clone.make("train-photon", DATA="a.hdf5", OUT="b")
    assert clone.take("called") == "<train><photon_factorised><--out><b><--resume><--data><a.hdf5>"


def test_misspelt_paper_is_an_error(clone):
    """Breaks if ``PAPER=yes`` is taken as no: hours of the wrong training."""
    done = clone.make("train-photon", "PAPER=yes")
    assert done.returncode != 0
    assert "PAPER=1" in done.stderr
    assert clone.steps() == []


def test_failing_training_fails_make(clone):
    """Breaks if a run that failed looks like a success to a script."""
    clone.make("install")
    (clone.path / ".venv/bin/calosim").write_text("#!/bin/sh\nexit 75\n", encoding="utf-8")
    done = clone.make("train-photon")
    assert done.returncode == 2
    assert "Error 75" in done.stderr
