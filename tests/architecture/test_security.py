"""No call in the package that lets a file run a program."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("calosim_tf", "experiments", "data_prep")
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "os.system", "os.popen", "pickle.load", "np.fromfile"}
# Deserialise code, or write where an archive says
FORBIDDEN_METHODS = {"load_model", "model_from_json", "model_from_config", "extractall", "unpack_archive"}
FORBIDDEN_METHODS |= {"enable_unsafe_deserialization", "Lambda", "py_function", "numpy_function"}


def faults_of(source: str) -> list[str]:
    """Forbidden imports and calls, one line each."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"line {node.lineno}: import {name}" for name in names if name.split(".")[0] in FORBIDDEN_IMPORTS]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        options = {option.arg: ast.unparse(option.value) for option in node.keywords}
        if name in FORBIDDEN_CALLS or name.rpartition(".")[2] in FORBIDDEN_METHODS:
            found.append(f"line {node.lineno}: {name}")
        if (
            options.get("shell") == "True"
            or options.get("allow_pickle") == "True"
            or options.get("safe_mode") == "False"
        ):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if name in ("np.load", "numpy.load") and options.get("allow_pickle") != "False":
            found.append(f"line {node.lineno}: {name} without allow_pickle=False")
        if name == "yaml.load" and not (len(node.args) == 2 and ast.unparse(node.args[1]) == "SettingsLoader"):
            found.append(f"line {node.lineno}: {name} without the loader of settings")
    return found


def test_the_tree_has_none():
    """Breaks with the first convenient pickle."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 100
    found = {str(path.relative_to(ROOT)): faults for path in paths if (faults := faults_of(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "exec(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, yaml.Loader)",
        "keras.models.load_model(path)",
        "keras.layers.Lambda(f)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "archive.extractall(folder)",
    ],
)
def test_a_planted_call_is_found(line):
    """Breaks if a way of running code from a file is no longer detected."""
    assert faults_of(line)


@pytest.mark.parametrize("line", ["np.load(p, allow_pickle=False)", "yaml.load(t, SettingsLoader)", "re.compile(t)"])
def test_a_harmless_call_is_not(line):
    """Breaks if the rule forbids what it must allow."""
    assert not faults_of(line)
