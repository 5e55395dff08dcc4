"""Checkpoints: written whole, found again, and passed over when damaged."""

import json

import pytest
import tensorflow as tf

from calosim_tf.errors import CheckpointError
from calosim_tf.training.checkpoint import CheckpointStore


@pytest.fixture
def store(tmp_path):
    """Checkpoints 2, 4 and 6 that hold their own iteration."""
    store = CheckpointStore(tmp_path / "checkpoints", keep=10)
    for iteration in (2, 4, 6):
        store.save(tf.train.Checkpoint(value=tf.Variable(float(iteration))), iteration)
    return store


def restored(store, which="latest"):
    variable = tf.Variable(0.0)
    iteration = store.restore(tf.train.Checkpoint(value=variable), which)
    return iteration, float(variable)


def test_the_newest_checkpoint_is_restored_with_its_content(store):
    assert store.iterations() == [2, 4, 6]
    assert restored(store) == (6, 6.0)


def test_best_is_restored_on_request_and_survives_pruning(store):
    """Breaks when pruning by age deletes the checkpoint that physics chose."""
    store.mark_best(2)
    store.keep = 1
    store.prune()
    assert store.iterations() == [2, 6]
    assert restored(store, "best") == (2, 2.0)


def data_file(folder):
    return next(path for path in folder.iterdir() if path.name.startswith("state.data"))


def cut(folder):
    path = data_file(folder)
    path.write_bytes(path.read_bytes()[:-10])


def zero(folder):
    path = data_file(folder)
    path.write_bytes(bytes(path.stat().st_size))


def change_one_byte(folder):
    path = data_file(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "cut": cut,
    "zeroed": zero,
    "one byte changed": change_one_byte,
    "missing shard": lambda folder: data_file(folder).unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "manifest not JSON": lambda folder: (folder / "manifest.json").write_text("{"),
    "manifest without sums": lambda folder: (folder / "manifest.json").write_text(json.dumps({"iteration": 6})),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_checkpoint_falls_back_with_one_line(store, capsys, damage):
    """Breaks when damage is loaded silently or ends the run although an earlier checkpoint is sound."""
    DAMAGES[damage](store.folder / "6")
    assert restored(store) == (4, 4.0)
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "is damaged" in warning


@pytest.mark.parametrize("content", ["99\n", "", "not a number\n"])
def test_a_wrong_pointer_does_not_hide_the_checkpoints(store, content):
    """Breaks when the pointer file is trusted more than the folders."""
    (store.folder / "latest").write_text(content)
    assert restored(store) == (6, 6.0)


def test_no_sound_checkpoint_is_one_line(store):
    for iteration in (2, 4, 6):
        cut(store.folder / str(iteration))
    with pytest.raises(CheckpointError, match="found no sound checkpoint"):
        restored(store)


def test_a_checkpoint_that_was_being_written_is_not_seen(store):
    """Breaks when the folder gets its final name before it is whole, or leftovers stay for ever."""
    leftover = store.folder / ".partial-8"
    leftover.mkdir()
    (leftover / "state.index").write_text("half")
    pointer = store.folder / ".latest.partial-77"
    pointer.write_text("8")
    assert store.iterations() == [2, 4, 6]
    store.save(tf.train.Checkpoint(value=tf.Variable(8.0)), 8)
    assert restored(store) == (8, 8.0)
    assert not leftover.exists()
    assert not pointer.exists()
