"""Every import statement of the tree, read without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Folder in the tree -> name once installed (package_dir in setup.cfg).
PACKAGES = {
    "calosim_tf": "calosim_tf",
    "experiments": "calosim_tf.experiments",
    "data_prep": "calosim_tf.data_prep",
}


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


def external(target: str) -> str:
    return target.partition(".")[0]


def circles(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Groups of nodes that can reach each other, one line each."""
    reached = {}
    for start in graph:
        waiting, seen = list(graph[start]), set()
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += graph.get(node, ())
        reached[start] = seen
    groups = {frozenset(b for b in reached[a] if a in reached.get(b, ())) for a in graph if a in reached[a]}
    return sorted(" <-> ".join(sorted(group)) for group in groups)
