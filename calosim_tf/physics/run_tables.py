"""Tables of a run folder (selection.csv, history.csv) as columns of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.files import IterationTable

SELECTION_COLUMNS = ("iteration", "chi2", "ndf", "chosen")
HISTORY_COLUMNS = ("iteration",)
WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}


def read_table(path: str | Path | None, required: tuple[str, ...]) -> dict[str, np.ndarray] | None:
    """Columns of a table as numbers.

    Parameters
    ----------
    path : str, Path or None
        CSV file with a header line.  A last line that a crash cut short is left out.
    required : tuple of str
        Columns that must be there.

    Returns
    -------
    dict of str to ndarray, shape (rows,), or None
        A cell that is not a number is NaN (true and yes are 1, false and no 0).  None if there is no table or no row
        yet.

    Raises
    ------
    DataError
        If the file cannot be read as text or a column is missing.
    """
    if path is None:
        return None
    try:
        rows = IterationTable(Path(path)).rows()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a table ({error})") from error
    if not rows:
        return None
    missing = [name for name in required if name not in rows[0]]
    if missing:
        names = ", ".join(str(name) for name in rows[0])
        raise DataError(f"{path}: has no column {', '.join(missing)}; found: {names}")
    return {name: np.array([_number(row[name]) for row in rows]) for name in rows[0] if name is not None}


def _number(cell: str | None) -> float:
    word = (cell or "").strip().lower()
    if word in WORDS:
        return WORDS[word]
    try:
        return float(word)
    except ValueError:
        return float("nan")
