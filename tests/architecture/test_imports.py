"""Who may import whom: the layers of docs/architecture.md, kept by reading every import statement of the tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Folder in the tree -> name once installed (package_dir in setup.cfg).
PACKAGES = {
    "calosim_tf": "calosim_tf",
    "experiments": "calosim_tf.experiments",
    "data_prep": "calosim_tf.data_prep",
}

# Area (a folder or file right under calosim_tf) -> areas it may import, itself excepted;
# * is all but those in NOTHING_IMPORTS.
MAY_IMPORT = {
    "errors": "",
    "messages": "",
    "fault_points": "",
    "files": "fault_points errors",
    "progress": "messages errors",
    "config": "errors",
    "geometry": "errors",
    "latents": "config errors",
    "layers": "errors",
    "losses": "errors",
    "models": "layers config errors",
    "data": "geometry files fault_points progress errors",
    "data_prep": "data geometry files progress messages errors",
    "experiments": "config errors",
    "reproduction": "physics experiments geometry config files errors",
    "physics": "data geometry files progress errors",
    "plots": "physics data geometry files errors",
    "bundle": "data geometry config files errors",
    "inference": "bundle latents data geometry config files progress errors",
    "generate": "inference latents data geometry config progress errors",
    "report": "plots physics data geometry files progress errors",
    "training": "models losses layers generate inference report physics plots latents data geometry config files"
    " fault_points progress messages errors",
    "export": "benchmark bundle training generate inference models layers latents physics plots data data_prep geometry"
    " config files progress errors",
    "benchmark": "training generate inference bundle layers latents data_prep data experiments geometry config files"
    " progress errors",
    "doctor": "data data_prep files errors",
    "studies": "report plots physics data geometry files progress errors",
    "checks": "training inference report plots physics data geometry errors",
    "commands": "*",
    "cli": "commands messages errors",
    "__main__": "cli errors messages",
}

NOTHING_IMPORTS = frozenset({"cli", "__main__"})

TENSORFLOW = frozenset({"tensorflow", "keras", "tensorflow_addons", "horovod", "tf2onnx"})
SLOW = TENSORFLOW | {"pandas", "scipy", "matplotlib", "h5py", "sklearn"}

# Evaluation of a file works without tensorflow: no import of it in these, not even inside a function ...
WITHOUT_TENSORFLOW = (
    *("errors", "messages", "fault_points", "files", "progress", "config", "config.*", "geometry", "geometry.*"),
    *("latents", "inference", "inference.*", "experiments", "experiments.*"),
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
)
# ... but for the files that are there for it, which the others may import inside a function only.
WITH_TENSORFLOW = ("data.pipeline", "physics.distances.classifier", "studies.triforce_network")
# `calosim --help` and `calosim list` answer at once: importing one of these reaches nothing slow.
QUICK_START = ("", "__main__", "cli", "commands", "commands.*", "config", "config.*", "experiments", "experiments.*")
# Packages with no future or that are extras: one file each, inside a function.
ONE_HOME = ("horovod", "tensorflow_addons", "tf2onnx")


@dataclass(frozen=True)
class Import:
    """One imported name; ``when`` is ``start`` (runs with the module), ``call`` (inside a function) or ``typing``."""

    module: str
    line: int
    target: str
    when: str


def modules_of(root: Path) -> dict[str, Path]:
    """Installed module name -> file, for all packages of the tree."""
    found = {}
    for folder, package in PACKAGES.items():
        for path in (root / folder).rglob("*.py"):
            parts = path.relative_to(root / folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _targets(node: ast.AST, package: str) -> list[str]:
    """Dotted names that a statement or call imports; for ``from a import b`` both ``a`` and ``a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        return [base, *(f"{base}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func)
        if called in {"importlib.import_module", "import_module", "__import__"}:
            return [str(node.args[0].value)]
    return []


def _walk(node: ast.AST, module: str, package: str, when: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        yield from (Import(module, child.lineno, target, when) for target in _targets(child, package))
        inside = when
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = "call"
        elif _is_type_checking(child):
            inside = "typing"
        yield from _walk(child, module, package, inside)


def imports_of(root: Path) -> dict[str, list[Import]]:
    """Module -> its imports; names imported *from* a module (functions, classes) are left out, submodules are kept."""
    modules = modules_of(root)
    table = {}
    for module, path in modules.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        found = _walk(ast.parse(path.read_text(encoding="utf-8")), module, package, "start")
        table[module] = [one for one in found if one.target.partition(".")[0] != "calosim_tf" or one.target in modules]
    return table


def short(module: str) -> str:
    """Name below calosim_tf (``data.schema``); empty for the package itself."""
    return module.removeprefix("calosim_tf").removeprefix(".")


def area(module: str) -> str:
    return short(module).partition(".")[0]


def matches(module: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(short(module), pattern) for pattern in patterns)


def external(target: str) -> str:
    return target.partition(".")[0]


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
            elif external(one.target) == "calosim_tf" and area(one.target) not in allowed:
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


def faults(root: Path) -> list[str]:
    """All broken rules of the tree at ``root``, one line each."""
    table = imports_of(root)
    return [*layer_faults(table), *tensorflow_faults(table), *home_faults(table)]


def test_tree_keeps_the_rules():
    """Breaks with the first import that ties the layers together or brings tensorflow where it must not be."""
    assert faults(ROOT) == []


def test_every_package_is_read():
    """Breaks if a folder is renamed and the rules above go on passing because they see nothing."""
    modules = modules_of(ROOT)
    assert {"calosim_tf.cli", "calosim_tf.experiments.photon", "calosim_tf.data_prep", "calosim_tf.physics"} <= set(
        modules
    )
    assert any(one.target == "tensorflow" for one in imports_of(ROOT)["calosim_tf.training.gan"])


SOUND = {
    "calosim_tf/__init__.py": "",
    "calosim_tf/errors.py": "",
    "calosim_tf/config.py": "from calosim_tf.errors import ConfigError\n",
    "calosim_tf/cli.py": "from . import errors\ndef main():\n    from calosim_tf.commands import train\n",
    "calosim_tf/commands/__init__.py": "",
    "calosim_tf/commands/train.py": "def run():\n    from calosim_tf.training import gan\n",
    "calosim_tf/data/__init__.py": "",
    "calosim_tf/data/pipeline.py": "import tensorflow as tf\n",
    "calosim_tf/losses/__init__.py": "",
    "calosim_tf/losses/hinge.py": "import tensorflow as tf\n",
    "calosim_tf/models/__init__.py": "",
    "calosim_tf/models/lhcb.py": "import keras\nfrom calosim_tf.config import Network\n",
    "calosim_tf/physics/__init__.py": "",
    "calosim_tf/report/__init__.py": "",
    "calosim_tf/report/evaluate.py": "def f():\n    from calosim_tf.plots import gallery\n",
    "calosim_tf/plots/__init__.py": "",
    "calosim_tf/plots/gallery.py": "from calosim_tf.physics import metrics\n",
    "calosim_tf/physics/metrics.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tensorflow\n",
    "calosim_tf/training/__init__.py": "",
    "calosim_tf/training/addons.py": "def load():\n    import tensorflow_addons\n",
    "calosim_tf/training/gan.py": "import tensorflow as tf\nfrom calosim_tf.losses import hinge\n",
    "experiments/__init__.py": "from calosim_tf.experiments import photon\n",
    "experiments/photon.py": "from calosim_tf.config import Experiment\n",
    "data_prep/__init__.py": "",
}

PLANTED = [
    ("calosim_tf/physics/metrics.py", "import tensorflow", "physics.metrics reaches tensorflow at import"),
    ("calosim_tf/physics/metrics.py", "def f():\n    import keras", "imports keras inside a function"),
    ("calosim_tf/physics/metrics.py", "import calosim_tf.data.pipeline", "through calosim_tf.physics.metrics > "),
    ("calosim_tf/data/__init__.py", "from . import pipeline", "calosim_tf.data reaches tensorflow at import through"),
    ("calosim_tf/commands/train.py", "from calosim_tf.training import gan", "commands.train reaches tensorflow"),
    ("calosim_tf/cli.py", "class A:\n    import pandas", "cli reaches pandas at import"),
    ("calosim_tf/cli.py", "try:\n    import keras\nexcept ImportError:\n    pass", "cli reaches keras at import"),
    ("calosim_tf/physics/metrics.py", "import calosim_tf.plots.gallery", "metrics:4 imports calosim_tf.plots"),
    ("calosim_tf/plots/gallery.py", "def f():\n    import calosim_tf.report", "gallery:3 imports calosim_tf.report"),
    ("calosim_tf/physics/metrics.py", "def f():\n    import calosim_tf.plots", "metrics:5 imports calosim_tf.plots"),
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
    assert faults(tree) == []


@pytest.mark.parametrize(("path", "line", "expected"), PLANTED)
def test_planted_fault_is_found(tree, path, line, expected):
    """Breaks if a rule no longer sees a way of importing."""
    with (tree / path).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    assert any(expected in fault for fault in faults(tree)), faults(tree)
