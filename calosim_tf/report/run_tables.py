"""Tables of a run folder (selection.csv, history.csv) as columns of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.files import IterationTable

SELECTION_COLUMNS = ("iteration", "chi2", "ndf", "chosen")
HISTORY_COLUMNS = ("iteration",)


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
        A cell that is not a number is NaN.  None if there is no table or no row yet.

    Raises
    ------
    RunFolderError
        The file cannot be read as text, or a row in between is not one of this table.
    DataError
        A column is missing.
    """
    if path is None:
        return None
    import pandas  # half a second: only when there is a table to read

    rows = IterationTable(Path(path)).rows()
    if not rows:
        return None
    frame = pandas.DataFrame(rows)
    missing = [name for name in required if name not in frame]
    if missing:
        raise DataError(f"{path}: has no column {', '.join(missing)}; found: {', '.join(map(str, frame))}")
    return {
        name: pandas.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
        for name in frame
        if name is not None
    }
