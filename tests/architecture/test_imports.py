"""Who may import whom: the layers of docs/architecture.md, checked by reading every import statement of the tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from .import_table import Import, circles, external, imports_of, modules_of, short

ROOT = Path(__file__).parents[2]
# Area -> areas it may import, itself excepted; * is all but those in NOTHING_IMPORTS.  An area is a folder or file
# right under calosim_tf, or a room: a folder in one of them that has a row of its own.  Who may import a folder may
# import all of its rooms.
MAY_IMPORT = {
    # the names that a program uses, for type checkers; they are imported when they are asked for
    "": "api",
    "errors": "",
    "messages": "errors",
    "fault_points": "",
    "files": "fault_points errors",
    "progress": "messages errors",
    "surroundings": "",
    "same_energy": "",
    "config": "same_energy geometry errors",
    "geometry": "errors",
    "latents": "config geometry errors",
    "keras_compat": "",
    "quiet": "",
    "layers": "keras_compat geometry errors",
    "losses": "layers geometry errors",
    "models": "layers config geometry errors",
    "data": "geometry same_energy files fault_points progress errors",
    "data_prep": "data geometry same_energy files surroundings progress messages errors",
    "experiments": "config geometry errors",
    "reproduction": "physics experiments geometry config files errors",
    "physics": "",
    "physics.observables": "data geometry same_energy errors",
    "physics.distances": "physics.observables data geometry progress errors",
    "physics.papers": "physics.distances physics.observables data geometry errors",
    "physics.metrics": "physics.papers physics.distances physics.observables data geometry same_energy progress errors",
    "plots": "physics data geometry files errors",
    "bundle": "data geometry config files errors",
    "inference": "bundle latents same_energy data geometry config files progress errors",
    "shower_generator": "inference latents data geometry config progress errors",
    "report": "plots physics data geometry files progress errors",
    "training.strategies": "keras_compat layers errors",
    "training": "keras_compat training.strategies models losses layers shower_generator inference report physics plots"
    " latents data geometry same_energy config files fault_points progress messages errors",
    "export": "quiet keras_compat benchmark bundle training shower_generator inference models layers latents physics"
    " plots data data_prep geometry config files progress errors",
    "benchmark": "training shower_generator inference bundle layers latents data_prep data experiments geometry config"
    " files progress errors",
    "doctor": "data data_prep files surroundings errors",
    "studies": "report plots physics data geometry files progress errors",
    "checks": "training shower_generator inference report plots physics latents data geometry errors",
    "api": "training inference bundle report physics data_prep experiments data geometry config quiet files progress"
    " messages errors",
    "fleet": "api export training inference bundle report plots physics data_prep data experiments geometry config"
    " files progress messages errors",
    "commands": "*",
    "cli": "commands messages surroundings quiet errors",
    "__main__": "cli errors messages",
}

MOST_FILES = 25
NOTHING_IMPORTS = frozenset({"cli", "__main__"})

TENSORFLOW = frozenset({"tensorflow", "keras", "tensorflow_addons", "horovod", "tf2onnx"})
SLOW = TENSORFLOW | {"pandas", "scipy", "matplotlib", "h5py", "sklearn"}

# Evaluation of a file works without tensorflow: no import of it in these, not even inside a function ...
WITHOUT_TENSORFLOW = (
    *("errors", "messages", "fault_points", "files", "progress", "config", "config.*", "geometry", "geometry.*"),
    *("surroundings", "same_energy", "latents", "inference", "inference.*", "experiments", "experiments.*"),
    *("reproduction", "reproduction.*"),
    *(
        "benchmark",
        *(
            f"benchmark.{part}"
            for part in (
                *("clocks", "chart", "generation", "jobs", "launcher", "machine", "protocol", "roofline"),
                *("scaling", "worker_group"),
            )
        ),
    ),
    *("bundle", "bundle.*", "export.particles", "export.options"),
    *("data", "data.*", "data_prep", "data_prep.*", "physics", "physics.*", "plots", "plots.*"),
    *("report", "report.*"),
    *("studies", "studies.*"),
    *("api", "api.*"),
)
# ... but for the files that are there for it, which the others may import inside a function only.
WITH_TENSORFLOW = ("data.batches.pipeline", "physics.distances.classifier", "studies.triforce_network")
# `calosim --help` and `calosim list` answer at once: importing one of these reaches nothing slow.
QUICK_START = ("", "__main__", "cli", "commands", "commands.*", "config", "config.*", "experiments", "experiments.*")
# Packages with no future or that are extras: one file each, inside a function.
ONE_HOME = ("horovod", "tensorflow_addons", "tf2onnx")


def area(module: str) -> str:
    """The room of a module, or else the folder or file right under calosim_tf."""
    room = ".".join(short(module).split(".")[:2])
    return room if room in MAY_IMPORT else room.partition(".")[0]


def is_among(where: str, areas: set[str]) -> bool:
    """Whether an area is one of some, or a room in one of them."""
    return where in areas or where.partition(".")[0] in areas


def matches(module: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(short(module), pattern) for pattern in patterns)


def reached_at_start(module: str, table: dict[str, list[Import]]) -> dict[str, tuple[str, ...]]:
    """External package -> chain of modules that imports it when ``module`` is imported."""
    found: dict[str, tuple[str, ...]] = {}
    waiting, seen = [(module, (module,))], {module}
    while waiting:
        current, chain = waiting.pop(0)
        parents = [current.rsplit(".", depth)[0] for depth in range(1, current.count(".") + 1)]
        for target in [*parents, *(one.target for one in table[current] if one.when == "start")]:
            if external(target) != "calosim_tf":
                found.setdefault(external(target), chain)
            elif target not in seen:
                seen.add(target)
                waiting.append((target, (*chain, target)))
    return found


def layer_faults(table: dict[str, list[Import]]) -> Iterator[str]:
    """Imports against MAY_IMPORT, and areas without a row in it."""
    for module, found in table.items():
        row = MAY_IMPORT.get(area(module))
        if row is None and area(module):
            yield f"{module}: {area(module)} has no row in MAY_IMPORT"
            continue
        allowed = MAY_IMPORT.keys() - NOTHING_IMPORTS if row == "*" else {*(row or "").split()}
        allowed |= {"", area(module)}
        for one in found:
            if external(one.target) in {"experiments", "data_prep", "tests"}:
                yield f"{module}:{one.line} imports {one.target}, which is not there once installed"
            elif external(one.target) == "calosim_tf" and not is_among(area(one.target), allowed):
                yield f"{module}:{one.line} imports {one.target}"


def tensorflow_faults(table: dict[str, list[Import]]) -> Iterator[str]:
    """Imports of tensorflow, direct or on the way, where it must not be; slow imports at start-up."""
    for module, found in table.items():
        kept_out: frozenset[str] = frozenset()
        if matches(module, WITHOUT_TENSORFLOW) and not matches(module, WITH_TENSORFLOW):
            kept_out = TENSORFLOW
            for one in found:
                if external(one.target) in TENSORFLOW and one.when == "call":
                    yield f"{module}:{one.line} imports {one.target} inside a function"
        if matches(module, QUICK_START):
            kept_out = SLOW
        for package, chain in reached_at_start(module, table).items():
            if package in kept_out:
                yield f"{module} reaches {package} at import through {' > '.join(chain)}"


def home_faults(table: dict[str, list[Import]]) -> Iterator[str]:
    """Packages of ONE_HOME that are imported in several files, or with the module."""
    for package in ONE_HOME:
        uses = [one for found in table.values() for one in found if external(one.target) == package]
        early = [one for one in uses if one.when == "start"]
        yield from (f"{one.module}:{one.line} imports {package} outside of a function" for one in early)
        homes = sorted({one.module for one in uses})
        if len(homes) > 1:
            yield f"{package} is imported in {', '.join(homes)}"


def circle_faults(table: dict[str, list[Import]]) -> Iterator[str]:
    """Modules that import each other, even inside functions; names for annotations alone do not count."""
    graph = {
        module: {one.target for one in found if one.when != "typing" and one.target in table and one.target != module}
        for module, found in table.items()
    }
    yield from (f"in a circle: {circle}" for circle in circles(graph))


def faults(table: dict[str, list[Import]]) -> list[str]:
    """All broken rules of a tree, one line each."""
    return [*layer_faults(table), *circle_faults(table), *tensorflow_faults(table), *home_faults(table)]


@pytest.fixture(scope="module")
def table() -> dict[str, list[Import]]:
    """The imports of this tree."""
    return imports_of(ROOT)


def test_tree_keeps_the_rules(table):
    """Breaks with the first import that ties the layers together or brings tensorflow where it must not be."""
    assert faults(table) == []


def test_floors_lie_one_above_another():
    """Breaks if a row allows an arrow up: of two areas that may import each other neither is the lower."""
    rows = {name: set(row.split()) for name, row in MAY_IMPORT.items() if row != "*"}
    graph = {
        name: {other for other in MAY_IMPORT if other != name and is_among(other, row - {name})}
        for name, row in rows.items()
    }
    assert circles(graph) == []


def test_folders_stay_small():
    """Breaks if a folder grows too large to be seen at a glance."""
    sizes = Counter(path.parent for path in modules_of(ROOT).values())
    assert {str(folder.relative_to(ROOT)): n for folder, n in sizes.items() if n > MOST_FILES} == {}


def test_every_package_is_read(table):
    """Breaks if a folder is renamed and the rules above go on passing because they see nothing."""
    packages = {"calosim_tf.cli", "calosim_tf.experiments.photon", "calosim_tf.data_prep", "calosim_tf.physics"}
    assert packages <= set(table)
    assert any(one.target == "tensorflow" for one in table["calosim_tf.training.gan"])


METRIC = "calosim_tf/physics/metrics/metric.py"
SOUND = {
    "calosim_tf/__init__.py": "",
    "calosim_tf/errors.py": "",
    "calosim_tf/config.py": "from calosim_tf.errors import ConfigError\n",
    "calosim_tf/cli.py": "from . import errors\ndef main():\n    from calosim_tf.commands import train\n",
    "calosim_tf/commands/__init__.py": "",
    "calosim_tf/commands/train.py": "def run():\n    from calosim_tf.training import gan\n",
    "calosim_tf/data/__init__.py": "",
    "calosim_tf/data/batches/__init__.py": "",
    "calosim_tf/data/batches/pipeline.py": "import tensorflow as tf\n",
    "calosim_tf/losses/__init__.py": "",
    "calosim_tf/losses/hinge.py": "import tensorflow as tf\n",
    "calosim_tf/losses/wasserstein.py": "from calosim_tf.losses import hinge\n",
    "calosim_tf/models/__init__.py": "",
    "calosim_tf/models/lhcb.py": "import keras\nfrom calosim_tf.config import Network\n",
    "calosim_tf/physics/__init__.py": "",
    "calosim_tf/physics/metrics/__init__.py": "",
    "calosim_tf/physics/metrics/tails.py": "from calosim_tf.physics.observables import energies\n",
    "calosim_tf/physics/observables/__init__.py": "",
    "calosim_tf/physics/observables/energies.py": "",
    "calosim_tf/report/__init__.py": "",
    "calosim_tf/report/evaluate.py": "def f():\n    from calosim_tf.plots import gallery\n",
    "calosim_tf/plots/__init__.py": "",
    "calosim_tf/plots/gallery.py": "from calosim_tf.physics.metrics import metric\n",
    METRIC: "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tensorflow\n",
    "calosim_tf/training/__init__.py": "",
    "calosim_tf/training/addons.py": "def load():\n    import tensorflow_addons\n",
    "calosim_tf/training/gan.py": "import tensorflow as tf\nfrom calosim_tf.losses import hinge\n",
    "experiments/__init__.py": "from calosim_tf.experiments import photon\n",
    "experiments/photon.py": "from calosim_tf.config import Experiment\n",
    "data_prep/__init__.py": "",
}

PLANTED = [
    (
        "calosim_tf/physics/metrics/metric.py",
        "import tensorflow",
        "physics.metrics.metric reaches tensorflow at import",
    ),
    (METRIC, "def f():\n    import keras", "imports keras inside a function"),
    (
        "calosim_tf/physics/metrics/metric.py",
        "import calosim_tf.data.batches.pipeline",
        "through calosim_tf.physics.metrics.metric > ",
    ),
    (
        "calosim_tf/data/__init__.py",
        "from .batches import pipeline",
        "calosim_tf.data reaches tensorflow at import through",
    ),
    ("calosim_tf/commands/train.py", "from calosim_tf.training import gan", "commands.train reaches tensorflow"),
    ("calosim_tf/cli.py", "class A:\n    import pandas", "cli reaches pandas at import"),
    ("calosim_tf/cli.py", "try:\n    import keras\nexcept ImportError:\n    pass", "cli reaches keras at import"),
    (METRIC, "import calosim_tf.plots.gallery", "metric:4 imports calosim_tf.plots"),
    (
        "calosim_tf/physics/observables/energies.py",
        "def f():\n    from calosim_tf.physics.metrics import metric",
        "energies:2 imports calosim_tf.physics.metrics.metric",
    ),
    (
        "calosim_tf/losses/hinge.py",
        "def f():\n    from calosim_tf.losses import wasserstein",
        "in a circle: calosim_tf.losses.hinge <-> calosim_tf.losses.wasserstein",
    ),
    ("calosim_tf/plots/gallery.py", "def f():\n    import calosim_tf.report", "gallery:3 imports calosim_tf.report"),
    (
        "calosim_tf/physics/metrics/metric.py",
        "def f():\n    import calosim_tf.plots",
        "metric:5 imports calosim_tf.plots",
    ),
    ("calosim_tf/losses/hinge.py", "from ..models import lhcb", "losses.hinge:2 imports calosim_tf.models.lhcb"),
    ("calosim_tf/models/lhcb.py", "from calosim_tf import losses", "models.lhcb:3 imports calosim_tf.losses"),
    ("calosim_tf/training/gan.py", "from calosim_tf.cli import main", "training.gan:3 imports calosim_tf.cli"),
    ("experiments/photon.py", "from calosim_tf.models import lhcb", "photon:2 imports calosim_tf.models.lhcb"),
    ("calosim_tf/training/gan.py", "import experiments.photon", "which is not there once installed"),
    ("data_prep/__init__.py", "import_module('tensorflow')", "data_prep reaches tensorflow at import"),
    ("calosim_tf/training/addons.py", "import horovod.tensorflow", "imports horovod outside of a function"),
    (
        "calosim_tf/models/lhcb.py",
        "def f():\n    from tensorflow_addons.layers import GELU",
        "tensorflow_addons is imported in calosim_tf.models.lhcb, calosim_tf.training.addons",
    ),
    ("calosim_tf/helpers.py", "", "helpers has no row in MAY_IMPORT"),
]


@pytest.fixture
def tree(tmp_path):
    for name, text in SOUND.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_sound_tree_has_no_fault(tree):
    """Breaks if a rule forbids what it must allow: lazy imports, typing imports, relative imports, siblings."""
    assert faults(imports_of(tree)) == []


@pytest.mark.parametrize(("path", "line", "expected"), PLANTED)
def test_planted_fault_is_found(tree, path, line, expected):
    """Breaks if a rule no longer sees a way of importing."""
    with (tree / path).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    found = faults(imports_of(tree))
    assert any(expected in fault for fault in found), found
