"""A report folder appears as a whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from calosim_tf.errors import RunFolderError
from calosim_tf.files import whole_folder

# What an earlier report may hold; a folder with anything else is not ours to replace.
REPORT_CONTENT = frozenset({"metrics.json", "metrics.csv", "study.json", "report.html", "plots", "checks"})
_LIST_OF_NUMBERS = re.compile(r"\[\s+((?:-?[\d.]+(?:e[-+]?\d+)?|null)(?:,\s+(?:-?[\d.]+(?:e[-+]?\d+)?|null))*)\s+\]")


def write_document(path: Path, document: Mapping) -> None:
    """Write a report's JSON: indented, but a list of numbers on one line; a number that is not finite is an error."""
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    text = _LIST_OF_NUMBERS.sub(lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]", text)
    path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def report_folder(out_dir: str | Path) -> Iterator[Path]:
    """Folder to fill, which takes the place of ``out_dir`` when the block ends without an error.

    The files are written beside ``out_dir`` under a temporary name and moved there at the end; an earlier report is
    kept until then and replaced as a whole.

    Parameters
    ----------
    out_dir : str or Path
        Must not exist, be empty, or hold nothing but an earlier report.

    Yields
    ------
    Path
        An empty folder with an empty sub-folder ``plots``.

    Raises
    ------
    RunFolderError
        If ``out_dir`` is a file, holds other files, or cannot be written.
    """
    out = Path(out_dir).absolute()
    _require_replaceable(out)
    with whole_folder(out) as folder:
        (folder / "plots").mkdir()
        yield folder


def _require_replaceable(out: Path) -> None:
    if out.is_dir():
        other = sorted(entry.name for entry in out.iterdir() if entry.name not in REPORT_CONTENT)
        if other:
            raise RunFolderError(
                f"{out}: holds files that are not of a report ({', '.join(other[:3])}):"
                " choose an empty or new folder for --out"
            )
    elif out.exists():
        raise RunFolderError(f"{out}: is a file, expected a folder or a new name: choose another --out")
