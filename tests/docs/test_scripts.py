"""Scripts beside the pages are run by hand and rarely: their imports at least are checked here, and those on pages."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

import calosim_tf

ROOT = Path(__file__).parents[2]
FOLDERS = {"calosim_tf.experiments": "experiments", "calosim_tf.data_prep": "data_prep", "calosim_tf": "calosim_tf"}
SCRIPTS = sorted((ROOT / "docs").glob("*.py"))
PAGES = sorted({ROOT / "README.md", *(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)})
# Files that a page has the reader write
WRITTEN = re.compile(r"cat > (\S+)")


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


def missing_in(program: str) -> set[str]:
    """Names that a program imports from the package, or takes from its interface, and that are not there."""
    missing = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calosim_tf"):
            gone = {alias.name for alias in node.names} - names_in(source_of(node.module))
            missing |= {f"{node.module}.{name}" for name in gone}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "calosim_tf":
            missing |= set() if hasattr(calosim_tf, node.attr) else {f"calosim_tf.{node.attr}"}
    return missing


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_imports_what_there_is(script):
    """Breaks when something that a script of the docs uses is moved or removed: it would fail at its first line."""
    assert missing_in(script.read_text()) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_python_on_a_page_imports_what_there_is(page):
    """Breaks when a page, run by the CI or not, shows Python that is none, or a name that was moved or removed."""
    text = page.read_text(encoding="utf-8")
    if WRITTEN.search(text):
        return  # it imports what its reader writes, and is run as a whole by `make tutorials`
    for fenced in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        assert missing_in(fenced) == set()
    for indented in re.findall(r"^(    (?:from|import) (?:    [^\n]*\n|[^\n]+\n)+)", text, re.MULTILINE):
        assert missing_in(textwrap.dedent(indented)) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_programs_that_a_page_names_are_there(page):
    """Breaks when a script or batch file is moved and a page still says how to start it."""
    text = page.read_text(encoding="utf-8")
    written = {*WRITTEN.findall(text), "experiments/toy.py", "experiments/NAME.py"}
    named = set(re.findall(r"(?<![\w./])(?:docs|experiments|tests|data_prep|calosim_tf)/[\w/]+\.(?:py|sh)\b", text))
    assert {name for name in named - written if not (ROOT / name).is_file()} == set()
