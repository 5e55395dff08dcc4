"""Scripts beside the pages are run by hand and rarely: their imports at least are checked here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"calosim_tf.experiments": "experiments", "calosim_tf.data_prep": "data_prep", "calosim_tf": "calosim_tf"}
SCRIPTS = sorted((ROOT / "docs").glob("*.py"))


def source_of(module: str) -> Path:
    """File of an installed module in the tree."""
    package = next(name for name in FOLDERS if module == name or module.startswith(f"{name}."))
    path = ROOT.joinpath(FOLDERS[package], *module.removeprefix(package).strip(".").split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def names_in(path: Path) -> set[str]:
    """What a module defines or imports at its top, and the modules of a package."""
    found = {item.stem for item in path.parent.iterdir()} if path.name == "__init__.py" else set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_imports_what_there_is(script):
    """Breaks when something that a script of the docs uses is moved or removed: it would fail at its first line."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calosim_tf"):
            missing = {alias.name for alias in node.names} - names_in(source_of(node.module))
            assert not missing, f"{script.name}: {node.module} has no {missing}"
