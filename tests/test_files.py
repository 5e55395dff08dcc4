"""Files on disks that fail: one error that says what to do, the old content intact."""

import errno
import os

import pytest

from calosim_tf import fault_points
from calosim_tf.errors import StorageError
from calosim_tf.files import IterationTable, remove_tree, write_json


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left on device): free space or raise the quota"),
        (errno.EDQUOT, "quota exceeded): free space or raise the quota"),
        (errno.EROFS, "read-only file system): make it writable"),
        (errno.EACCES, "permission denied): make it writable"),
    ],
)
def test_a_write_that_fails_leaves_the_old_content(tmp_path, monkeypatch, number, words):
    """Breaks if a full disk or quota empties a file that was whole, or leaves half of the new one beside it."""
    path = tmp_path / "status.json"
    write_json(path, {"iteration": 1})

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(StorageError) as caught:
        write_json(path, {"iteration": 2})
    assert words in str(caught.value)
    assert caught.value.exit_code == 1
    assert path.read_text() == '{\n  "iteration": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("left", ["itera", "iteration,loss\n", "iteration,loss\n1,0.", "iteration,loss\n1,0.5\n2,0"])
def test_a_table_cut_anywhere_goes_on(tmp_path, left):
    """Breaks if the first row of a resumed run is added to half a header."""
    table = IterationTable(tmp_path / "history.csv")
    table.path.write_text(left)
    table.cut_after(1)
    table.append({"iteration": 2, "loss": 0.25})
    assert table.rows()[-1] == {"iteration": "2", "loss": "0.25"}
    assert table.path.read_text().startswith("iteration,loss\n")


def test_points_are_numbered_and_off_by_default(tmp_path, monkeypatch):
    """Breaks if a fault hook acts when it is off, or tests kill at other points than they list."""
    log = tmp_path / "points"
    (tmp_path / "old").mkdir()
    remove_tree(tmp_path / "old")
    assert not log.exists()
    monkeypatch.setenv("CALOSIM_FAULT_LOG", str(log))
    fault_points.arm()
    try:
        write_json(tmp_path / "a.json", {})
    finally:
        monkeypatch.undo()
        fault_points.arm()
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    assert [line[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert [tuple(line[1:3]) for line in lines] == [
        (stage, action) for action in ("write", "move") for stage in ("before", "inside", "after")
    ]
