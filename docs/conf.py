"""Sphinx settings: Markdown pages as they stand, and a reference page per part of the package, made from docstrings."""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from sphinx.util.nodes import make_refnode

import calosim_tf

project = "calosim_tf"
author = "The calosim_tf authors"
version = release = calosim_tf.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx.ext.mathjax", "sphinx_copybutton"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
nitpicky = True
# What docstrings refer to outside of the package
nitpick_ignore_regex = [
    ("py:.*", r"(abc|argparse|hashlib|io|keras|tensorflow)(\..*)?"),
    # private base classes
    ("py:class", r"calosim_tf\..*\._\w+"),
]

html_theme = "furo"
html_title = f"calosim_tf {release}"
html_show_copyright = False

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "toc.empty_glob"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
# Keras has docstrings of another style
autodoc_inherit_docstrings = False
autodoc_default_options = {"members": True, "show-inheritance": True, "ignore-module-all": True}
numpydoc_show_class_members = False
autosummary_generate = False

API = Path(__file__).parent / "api"


# Commands are described by --help
NOT_IN_THE_REFERENCE = ("calosim_tf.cli", "calosim_tf.__main__", "calosim_tf.commands")


def _parts() -> list[str]:
    """Public folders and files right under the package."""
    found = [name for _, name, _ in pkgutil.iter_modules(calosim_tf.__path__, "calosim_tf.")]
    return sorted({*found, "calosim_tf.experiments", "calosim_tf.data_prep"} - set(NOT_IN_THE_REFERENCE))


def _modules(package: str) -> list[str]:
    """Public modules of a part, the part itself first."""
    top = __import__(package, fromlist=["__path__"])
    names = [package]
    if hasattr(top, "__path__"):
        names += [name for _, name, _ in pkgutil.walk_packages(top.__path__, package + ".") if "._" not in name]
    return names


def write_api_pages(app) -> None:
    """One page per part, found anew, so that a new part has its page and one that is gone has none."""
    parts = _parts()
    for page in API.glob("calosim_tf.*.md"):
        if page.stem not in parts:
            page.unlink()
    for part in parts:
        sections = [f"# {part}", ""]
        for module in _modules(part):
            if module != part:
                sections += [f"## {module}", ""]
            sections += ["```{eval-rst}", f".. automodule:: {module}", "```", ""]
        page = API / f"{part}.md"
        text = "\n".join(sections)
        # unchanged pages keep their time, so that only what changed is built again
        if not page.is_file() or page.read_text() != text:
            page.write_text(text)


def escape_bars(app, what, name, obj, options, lines) -> None:
    """``|x|`` in a docstring is an absolute value, never a substitution of reStructuredText."""
    for number, line in enumerate(lines):
        parts = line.split("``")
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[number] = "``".join(parts)


def find_by_last_name(app, env, node, contnode):
    """Lead ``:class:`DataError``` to the object of that name, wherever it is defined.

    Names that are not described (constants, fields) and names that several objects have are not linked, but they have
    to exist.
    """
    if node.get("refdomain") != "py":
        return None
    target, objects = node["reftarget"], env.domains["py"].objects
    found = [name for name in objects if name.endswith(f".{target}")]
    if len(found) == 1:
        entry = objects[found[0]]
        return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, found[0])
    scopes = [
        node.get("py:module"),
        node.get("py:module") and node.get("py:class") and ".".join((node["py:module"], node["py:class"])),
    ]
    names = [target, *(f"{scope}.{target}" for scope in scopes if scope)]
    return contnode if found or any(map(_exists, names)) else None


def _exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            if part in getattr(found, "__annotations__", {}):
                return True
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def setup(app) -> None:
    """Hook of Sphinx."""
    app.connect("builder-inited", write_api_pages)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("missing-reference", find_by_last_name)
