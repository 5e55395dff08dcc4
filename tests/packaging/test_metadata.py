"""What setup.cfg, constraints.txt and CITATION.cff say about the project, held against each other and the code."""

from __future__ import annotations

import ast
import configparser
import contextlib
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import calosim_tf

ROOT = Path(__file__).parents[2]
# Distribution -> what is imported, where the two differ.
IMPORT_NAMES = {
    "ai-edge-litert": "ai_edge_litert",
    "protobuf": "google",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "tensorflow-addons": "tensorflow_addons",
}
# In install_requires as bounds for the others (the reasons are in setup.cfg).
BOUNDS_ONLY = {"tensorboard", "setuptools", "wrapt", "typeguard"}
# The and-cuda set of tensorflow cannot be tried here and is left to pip.
UNPINNED_EXTRAS = {"gpu"}


def requirement_list(text: str) -> list[Requirement]:
    return [Requirement(line) for line in text.splitlines() if line.strip()]


def of_this_python(requirements: list[Requirement]) -> list[Requirement]:
    return [one for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})]


@pytest.fixture(scope="module")
def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def base(setup_cfg) -> list[Requirement]:
    return of_this_python(requirement_list(setup_cfg["options"]["install_requires"]))


@pytest.fixture(scope="module")
def extras(setup_cfg) -> dict[str, list[Requirement]]:
    return {name: of_this_python(requirement_list(text)) for name, text in setup_cfg["options.extras_require"].items()}


@pytest.fixture(scope="module")
def declared(setup_cfg) -> dict[str, list[Requirement]]:
    """Base and extras, for every Python."""
    texts = {"": setup_cfg["options"]["install_requires"], **setup_cfg["options.extras_require"]}
    return {name: requirement_list(text) for name, text in texts.items()}


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    """Canonical name -> version of the constraints for this Python."""
    name = "constraints.txt" if sys.version_info[:2] == (3, 11) else "constraints-keras3.txt"
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line and not line.startswith("#")]
    exact = r'[A-Za-z0-9._-]+==[A-Za-z0-9.]+(; python_version (<|>=) "3\.\d+")?'
    unfit = [line for line in found if not re.fullmatch(exact, line)]
    assert unfit == [], "only exact versions may stand here: no range, address or path"
    pairs = [(one.name, str(one.specifier)[2:]) for one in of_this_python(requirement_list("\n".join(found)))]
    assert len({canonicalize_name(name) for name, _ in pairs}) == len(pairs), "a name stands here twice"
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """Top-level names of all packages that the installed code imports, standard library and own package left out."""
    names: set[str] = set()
    for folder in ("calosim_tf", "experiments", "data_prep"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"calosim_tf"}


def import_name(requirement: Requirement) -> str:
    name = canonicalize_name(requirement.name)
    return IMPORT_NAMES.get(name, name)


def test_every_requirement_is_pinned_within_its_range(base, extras, pins):
    """Breaks if a dependency is added or raised in setup.cfg alone: installs would then differ from each other."""
    asked = base + [one for name, listed in extras.items() if name not in UNPINNED_EXTRAS for one in listed]
    wrong = [
        str(one)
        for one in asked
        if one.name != "calosim-tf" and not one.specifier.contains(pins.get(canonicalize_name(one.name), "0"))
    ]
    assert wrong == []


def test_every_installed_dependency_of_a_dependency_is_pinned(base, extras, pins):
    """Breaks if the set was resolved without one of the extras: what is not pinned changes under the user."""
    waiting = [
        one
        for one in base
        + extras["dev"]
        + extras["onnx"]
        + extras["tflite"]
        + extras["root"]
        + extras["eval"]
        + extras["docs"]
        if one.name != "calosim-tf"
    ]
    seen: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name in seen:
            continue
        seen.add(name)
        needs = [Requirement(text) for text in importlib.metadata.requires(name) or []]
        waiting += [one for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})]
    assert len(seen) > len(base) + 20, "the walk has to go below the direct dependencies"
    assert seen - set(pins) == set()


def test_installed_versions_are_the_pinned_ones(pins):
    """Breaks if the tests run on other versions than the ones that are handed to users."""
    differing = {}
    for name, pin in pins.items():
        # Extras that are not installed here cannot differ.
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            if (installed := importlib.metadata.version(name)) != pin:
                differing[name] = (installed, pin)
    assert differing == {}


def test_every_base_dependency_is_imported(base, imported):
    """Breaks if a user has to install something that the package never uses."""
    assert {import_name(one) for one in base} - imported - BOUNDS_ONLY == set()


def test_every_import_is_a_dependency(declared, imported):
    """Breaks if the code imports what setup.cfg does not install: it would run for developers only."""
    at_run_time = [
        one for name, listed in declared.items() if name not in ("docs", "notebook", "dev", "gpu") for one in listed
    ]
    assert imported - {import_name(one) for one in at_run_time} == set()


def test_citation_agrees_with_the_package(setup_cfg):
    """Breaks if the version or licence is changed in one place only, or if the file no longer is YAML."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == "calosim_tf"
    assert str(citation["version"]) == calosim_tf.__version__
    assert citation["license"] == setup_cfg["metadata"]["license"] == "MIT"
    assert [author["name"] for author in citation["authors"]] == [setup_cfg["metadata"]["author"]]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
