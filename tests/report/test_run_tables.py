"""Tables of a run folder."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.errors import DataError, RunFolderError
from calosim_tf.report.run_tables import read_table


def test_cells_become_numbers(tmp_path):
    """Breaks if a text column, an empty cell or a row without numbers makes a report fail."""
    path = tmp_path / "history.csv"
    path.write_text("iteration,loss,state,chosen\n10,-1.5,ok,1\n20,,ok,0\n30,,,\n")
    table = read_table(path, ("iteration",))
    assert table["iteration"].tolist() == [10, 20, 30]
    np.testing.assert_array_equal(table["loss"], [-1.5, np.nan, np.nan])
    assert np.isnan(table["state"]).all()
    np.testing.assert_array_equal(table["chosen"], [1, 0, np.nan])


def test_a_line_cut_by_a_crash_is_left_out(tmp_path):
    """Breaks if the first digits of a number count as the number."""
    path = tmp_path / "history.csv"
    path.write_text("iteration,loss\n10,-1.5\n20,-1")
    assert read_table(path, ("iteration",))["loss"].tolist() == [-1.5]


def test_a_run_without_rows_has_no_table(tmp_path):
    """A run that was never checked has no selection.csv: no plot, no error."""
    assert read_table(None, ("iteration",)) is None
    assert read_table(tmp_path / "absent.csv", ("iteration",)) is None
    (tmp_path / "empty.csv").write_text("iteration\n")
    assert read_table(tmp_path / "empty.csv", ("iteration",)) is None


def test_tables_that_cannot_be_used_are_named(tmp_path):
    path = tmp_path / "selection.csv"
    path.write_text("iteration,chi2\n1,2\n")
    with pytest.raises(DataError, match=r"selection\.csv: has no column ndf, chosen; found: iteration, chi2"):
        read_table(path, ("iteration", "ndf", "chosen"))
    path.write_bytes(b"\xff\xfe\x00\n\x80")
    with pytest.raises(RunFolderError, match=r"cannot be read .* expected a table of iterations"):
        read_table(path, ("iteration",))
    path.write_text("iteration,chi2\n1,2\n2\n3,4\n")
    with pytest.raises(RunFolderError, match="found a damaged line 3"):
        read_table(path, ("iteration",))
