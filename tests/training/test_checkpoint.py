"""Checkpoints: written whole, found again, and passed over when damaged."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.errors import CheckpointError, StorageError
from calosim_tf.keras_compat import KERAS_3, checkpoint_of
from calosim_tf.training.build import build_model, state_bytes, state_variables, tracked_state
from calosim_tf.training.checkpoint import CheckpointStore, tensorflow_disk_errors

# the interface that tensorflow-addons builds on
LEGACY = None if KERAS_3 else keras.optimizers.legacy.Adam


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
    assert (store.folder / "latest").read_text() == "6\n"


def test_notes_come_back_with_their_checkpoint(store):
    """Breaks if what was noted of a checkpoint is lost or read from another one."""
    store.save(tf.train.Checkpoint(value=tf.Variable(8.0)), 8, {"stage": "second"})
    assert (store.notes(8), store.notes(6)) == ({"stage": "second"}, {})


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
def test_a_wrong_pointer_does_not_hide_the_checkpoints(store, content, capsys):
    """Breaks when the pointer file is trusted more than the folders, or nobody hears of it."""
    (store.folder / "latest").write_text(content)
    assert restored(store) == (6, 6.0)
    assert "using the newest sound one" in capsys.readouterr().err


@pytest.mark.parametrize(("keep", "missing"), [(10, 9), (2, 1), (1, 1)])
def test_there_is_room_for_what_a_run_will_keep(store, monkeypatch, keep, missing):
    """Breaks when checkpoints that are there are not taken off: 3 of those to keep, the best and the one being written.

    In MiB: 2 for a checkpoint and 1 to spare.
    """
    store.keep = keep
    monkeypatch.setattr("calosim_tf.training.checkpoint.free_bytes", lambda _: missing * 3 * 2**20)
    store.require_room(2 * 2**20)
    with pytest.raises(StorageError, match=f"for {missing} checkpoints"):
        store.require_room(2 * 2**20 + 1)


def test_no_sound_checkpoint_is_one_line(store):
    for iteration in (2, 4, 6):
        cut(store.folder / str(iteration))
    with pytest.raises(CheckpointError, match="found no sound checkpoint"):
        restored(store)


def test_a_checkpoint_that_was_being_written_is_not_seen(store):
    """Breaks when the folder gets its final name before it is whole, or leftovers are never removed."""
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


def saved(store, tracked):
    """The numbers of one checkpoint, ``tracked`` only."""
    store.save(checkpoint_of(**tracked), 8)
    return store


def adam(make, *variables):
    """An optimiser with the slots of these variables, as a model has it before its first update."""
    optimizer = make(0.1)
    optimizer.apply_gradients([(tf.zeros_like(variable), variable) for variable in variables])
    return optimizer


def test_a_network_that_the_checkpoint_lacks_is_named_and_nothing_is_read(store, tiny):
    """Breaks when a missing moving average is left as it was built, and half of a state is taken over."""
    model = build_model(tiny.with_values({"training.generator_average": 0.9}))
    state = {"iteration": model.iteration, "generator": model.generator, "average": model.average}
    saved(store, {name: state[name] for name in ("iteration", "generator")})
    before = [weight + 1.0 for weight in model.generator.get_weights()]
    model.generator.set_weights(before)
    with pytest.raises(CheckpointError, match="holds no value for average/layer_with_weights-0/kernel") as caught:
        store.restore(checkpoint_of(**state))
    assert "\n" not in str(caught.value)
    # the user gave the wrong configuration; a damaged run is none of their inputs
    assert caught.value.exit_code == 2
    for weight, kept in zip(model.generator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_the_size_of_a_state_is_that_of_its_numbers(store, tiny):
    """Breaks when room for less than a checkpoint is kept free: networks, average, both optimisers and their
    learning rates, which stand beside an optimiser's variables, count.
    """
    model = build_model(tiny.with_values({"training.generator_average": 0.9}))
    saved(store, {"model": tracked_state(model)})
    reader = tf.train.load_checkpoint(str(store.folder / "8" / "state"))
    shapes, kinds = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    sizes = {name: np.prod(shape) * kinds[name].size for name, shape in shapes.items() if kinds[name] != tf.string}
    assert state_bytes(model) == sum(sizes.values())


def test_a_layer_that_the_checkpoint_lacks_is_named(store):
    """Breaks when a deeper network starts from a shallower one's weights and random ones behind them."""
    layers = [keras.layers.Dense(2) for _ in range(2)]
    shallow, deep = (keras.Sequential([keras.Input((3,)), *layers[:depth]]) for depth in (1, 2))
    saved(store, {"generator": shallow})
    with pytest.raises(CheckpointError, match="holds no value for generator/layer_with_weights-1/kernel"):
        store.restore(checkpoint_of(generator=deep))


@pytest.mark.parametrize(
    ("make", "missing"),
    [
        pytest.param(keras.optimizers.Adam, "optimizer/_", id="today's interface"),
        *([] if LEGACY is None else [pytest.param(LEGACY, "second/m:0", id="legacy interface")]),
    ],
)
def test_an_optimiser_slot_that_the_checkpoint_lacks_is_named(store, make, missing):
    """Breaks when training continues with the moments of some weights at 0."""
    first, second = tf.Variable([1.0], name="first"), tf.Variable([2.0], name="second")
    saved(store, {"first": first, "second": second, "optimizer": adam(make, first)})
    with pytest.raises(CheckpointError, match="holds no value for optimizer/") as caught:
        store.restore(checkpoint_of(first=first, second=second, optimizer=adam(make, first, second)))
    assert missing in str(caught.value)


@pytest.mark.parametrize("make", [keras.optimizers.Adam, *([] if LEGACY is None else [LEGACY])])
def test_more_in_the_checkpoint_than_is_asked_for_is_no_fault(store, make):
    """Breaks when a generator cannot be read without its critic and optimisers, or a whole state is refused."""
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    state = {"generator": network, "optimizer": adam(make, *network.trainable_variables)}
    saved(store, state | {"critic": tf.Variable(1.0)})
    expected = network.get_weights()
    for asked in (state, {"generator": network}):
        network.set_weights([weight + 1.0 for weight in expected])
        assert store.restore(checkpoint_of(**asked)) == 8
        for weight, one in zip(network.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(weight, one)


def test_an_attribute_without_variables_needs_no_partner(store):
    """Breaks when checkpoints of an earlier version, whose layers had fewer attributes, are refused."""
    before, now = tf.Module(), tf.Module()
    before.scale, now.scale = tf.Variable(3.0), tf.Variable(0.0)
    now.widths = {"layers": [[1, 2], [3]]}
    saved(store, {"generator": before})
    store.restore(tf.train.Checkpoint(generator=now))
    assert float(now.scale) == 3.0


def test_only_errors_of_the_disk_are_called_so(tmp_path):
    """Breaks when a full disk is a traceback, or another fault is called a full disk."""
    with pytest.raises(StorageError, match="cannot be written"), tensorflow_disk_errors(tmp_path):
        raise tf.errors.ResourceExhaustedError(None, None, "file: No space left on device")
    with pytest.raises(tf.errors.InvalidArgumentError), tensorflow_disk_errors(tmp_path):
        raise tf.errors.InvalidArgumentError(None, None, "shapes differ")


def test_the_variables_of_the_state_hold_the_average():
    """Breaks when processes that begin together do not share the moving average of the generator."""
    generator, average = (keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]) for _ in range(2))
    iteration = tf.Variable(0)
    model = SimpleNamespace(
        networks={"generator": generator}, average=average, iteration=iteration, optimizers={}, loss_scales={}
    )
    assert len(state_variables(model)) == 5
    model.average = None
    assert len(state_variables(model)) == 3
