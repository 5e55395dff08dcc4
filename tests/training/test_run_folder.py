"""Run folder: what is refused, what may differ on resume, tables that survive a crash."""

import os
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf import __version__
from calosim_tf.errors import ConfigError, NonFiniteError, RunFolderError, StoppedBySignal
from calosim_tf.experiments import get_experiment
from calosim_tf.files import IterationTable, read_json, write_json
from calosim_tf.geometry import get_detector
from calosim_tf.keras_compat import checkpoint_of
from calosim_tf.training.build import build_networks
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.judging.verdict import report_events, reporting
from calosim_tf.training.load import judged_part, load_generator
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.publish import main, publish
from calosim_tf.training.run_folder import RunFolder, environment
from calosim_tf.training.teacher import load_teacher
from calosim_tf.training.untrained import write_untrained


class Source:
    """The part of a shower source that a run folder records."""

    detector = get_detector("photon")
    source_label = "made by hand"
    incident_energy_mev = np.array([256.0, 512.0, 1024.0])
    attributes = np.empty((3, 0))
    train_rows = np.array([0, 1])
    holdout_rows = np.array([2])
    group_rows = None
    files = ({"path": "a.hdf5", "sha256": "a" * 64, "bytes": 1, "events": 3},)


@pytest.fixture
def begun(tmp_path, tiny):
    run = RunFolder(tmp_path / "run")
    run.prepare(tiny, Source(), resume=False, force=False)
    return run


def test_a_new_run_records_configuration_data_and_environment(begun, tiny):
    assert begun.experiment() == tiny
    assert begun.data()["events_held_out"] == 1
    normalisation = begun.normalisation()
    assert (normalisation.kin_min_mev, normalisation.kin_max_mev) == (256.0, 1024.0)
    assert begun.trained_on().incident_energy_mev == (256.0, 512.0)
    assert read_json(begun.path / "environment.json", "")["packages"]["tensorflow"] == tf.__version__


def test_a_record_says_which_command_on_what_machine(monkeypatch):
    """Breaks when an argument of the command is lost, or processors that this process may not use are counted."""
    monkeypatch.setattr(sys, "argv", ["/opt/bin/calosim", "train", "photon", "--seed", "7"])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5})
    found = environment()
    assert found["command"] == ["calosim", "train", "photon", "--seed", "7"]
    assert found["cpu_count"] == 3
    assert found["calosim_tf"] == __version__
    assert found["packages"]["numpy"] == np.__version__
    assert found["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")


def test_who_shared_a_run_is_noted_from_each_start(begun):
    """Breaks when a resumed run forgets the first start, or a replica's share is not that of the global batch."""
    begun.note_start(0, "mirrored", 2, 16)
    begun.note_start(5, "none", 1, 8)
    starts = read_json(begun.path / "strategy.json", "")["starts"]
    assert [start["iteration"] for start in starts] == [0, 5]
    assert [start["batch_per_replica"] for start in starts] == [8, 8]
    assert [start["global_batch"] for start in starts] == [16, 8]


@pytest.mark.parametrize(
    ("error", "state", "code"), [(StoppedBySignal("x"), "stopped", 75), (NonFiniteError("x"), "failed", 1)]
)
def test_the_end_of_a_run_is_noted_with_its_reason(begun, error, state, code):
    """Breaks when a run that stopped by a signal looks like one that failed, so that nobody resumes it."""
    begun.note_end(7, error)
    assert begun.status() == {"iteration": 7, "state": state, "exit": code}


@pytest.mark.parametrize(
    ("error", "state", "code"), [(StoppedBySignal("x"), "stopped", 75), (KeyError("x"), "failed", 1)]
)
def test_a_run_is_not_finished_before_its_report(begun, error, state, code):
    """Breaks when a run whose report failed looks finished, or still at work."""
    begun.write_status(7, "running")
    with pytest.raises(type(error)), reporting(begun):  # noqa: PT012
        assert begun.status()["state"] == "running"
        raise error
    assert begun.status() == {"iteration": 7, "state": state, "exit": code}
    with reporting(begun):
        pass
    assert begun.status() == {"iteration": 7, "state": "finished", "exit": 0}


@pytest.mark.parametrize(("decay", "part"), [(0.0, "generator"), (0.99, "average")])
def test_a_run_is_judged_by_its_average_where_it_has_one(tmp_path, tiny, decay, part):
    """Breaks when showers are made by the last weights although the best checkpoint was chosen by their average."""
    run = RunFolder(tmp_path / "run")
    run.prepare(tiny.with_values({"training.generator_average": decay}), Source(), resume=False, force=False)
    assert judged_part(run) == part


@pytest.mark.parametrize(("detector", "events"), [("photon", 121_000), ("clic", 2**28 // 25**3)])
def test_a_report_is_of_as_many_showers_as_fit_into_memory(detector, events):
    """Breaks when a report on cubes of 15625 cells takes 7 GB, or one on photons is of fewer than the data hold."""
    assert report_events(SimpleNamespace(detector=get_detector(detector))) == events


def test_a_run_of_an_earlier_format_is_read_with_defaults(begun, tiny):
    """Breaks the pretrained generators and every older run: settings that came later are missing in their records."""
    config, data = read_json(begun.path / "config.json", ""), read_json(begun.path / "data.json", "")
    for key in ("leaky_relu_slope", "layer_sizes", "layer_gate"):
        del config["network"][key]
    for key in ("law", "low", "high"):
        del config["network"]["latent"][key]
    for key in ("mask_mev", "normalise_per_energy", "energy_label"):
        del config["data"][key]
    data["normalisation"] = {key: data["normalisation"][key] for key in ("mass_mev", "kin_min_mev", "kin_max_mev")}
    del data["trained_on"]
    expected = begun.normalisation()
    write_json(begun.path / "config.json", config)
    write_json(begun.path / "data.json", data)
    assert begun.experiment() == tiny
    assert begun.normalisation() == expected
    assert begun.trained_on() is None
    begun.prepare(tiny, Source(), resume=True, force=False)


def test_networks_that_do_not_fit_the_detector_are_refused(tmp_path, tiny):
    """Breaks when the mismatch is found by the first matrix product instead."""
    with pytest.raises(ConfigError, match=r"network\.n_outputs: found 367, expected 368 for layout photon"):
        fit_normalisation(tiny.with_values({"network.n_outputs": 367}), Source())
    sizes = {"network.layer_sizes": (160, 8, 190, 5, 5), "network.n_outputs": 374}
    with pytest.raises(ConfigError, match=r"network\.layer_sizes: found \(160, 8, 190, 5, 5\), expected \(8, 160"):
        fit_normalisation(tiny.with_values(sizes), Source())


def test_an_existing_run_is_refused_without_resume(begun, tiny):
    with pytest.raises(RunFolderError, match=r"found an existing run.*--resume.*--force"):
        begun.prepare(tiny, Source(), resume=False, force=False)


def test_a_folder_that_is_no_run_is_never_touched(tmp_path, tiny):
    """Breaks when --out pointing at other data deletes it, even with --force."""
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunFolderError, match="found something that is not a run"):
        RunFolder(tmp_path).prepare(tiny, Source(), resume=True, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    "key", ["training.batch_size", "run.seed", "network.latent.size", "training.generator_average"]
)
def test_resuming_with_another_setting_names_it(begun, tiny, key):
    changed = tiny.with_values({key: 0.5 if key.endswith("average") else 3})
    with pytest.raises(RunFolderError, match=f"begun with {key.replace('.', '[.]')} = "):
        begun.prepare(changed, Source(), resume=True, force=False)


def test_length_place_and_number_of_checkpoints_may_differ(begun, tiny):
    free = {"training.iterations": 99, "run.out": "elsewhere", "run.keep_checkpoints": 9, "run.threads": 1}
    begun.prepare(tiny.with_values(free), Source(), resume=True, force=False)
    assert begun.experiment().training.iterations == 99


def test_resuming_on_other_data_is_refused_unless_forced(begun, tiny):
    other = Source()
    other.files = ({**Source.files[0], "sha256": "b" * 64},)
    with pytest.raises(RunFolderError, match="begun on other data"):
        begun.prepare(tiny, other, resume=True, force=False)
    begun.prepare(tiny, other, resume=True, force=True)
    assert begun.exists


def test_resuming_from_disk_what_was_begun_in_memory_is_refused(begun, tiny):
    """Breaks bit-equal resume silently: rows that come from disk are shuffled in groups, in another order."""
    other = Source()
    other.group_rows = 4096
    with pytest.raises(RunFolderError, match="begun with showers in memory, now showers from disk in groups of 4096"):
        begun.prepare(tiny, other, resume=True, force=False)


def test_resuming_under_another_package_version_is_refused(begun, tiny):
    record = read_json(begun.path / "environment.json", "")
    write_json(begun.path / "environment.json", {**record, "calosim_tf": "0.0.1"})
    with pytest.raises(RunFolderError, match=r"begun with calosim_tf 0\.0\.1"):
        begun.prepare(tiny, Source(), resume=True, force=False)


def test_force_without_resume_starts_anew(begun, tiny):
    begun.history.append({"iteration": 1, "loss": 2.0})
    begun.prepare(tiny, Source(), resume=False, force=True)
    assert begun.history.rows() == []


@pytest.mark.parametrize("content", ["{", "[1]", ""])
def test_a_damaged_record_is_one_line(begun, content):
    (begun.path / "data.json").write_text(content)
    with pytest.raises(RunFolderError, match=r"data\.json"):
        begun.normalisation()


def test_rows_after_the_restored_iteration_are_cut(tmp_path):
    """Breaks when a resumed run leaves rows beyond its checkpoint in the table."""
    table = IterationTable(tmp_path / "history.csv")
    for iteration in (1, 2, 3):
        table.append({"iteration": iteration, "loss": iteration / 2})
    table.cut_after(2)
    assert table.rows() == [{"iteration": "1", "loss": "0.5"}, {"iteration": "2", "loss": "1.0"}]
    table.append({"iteration": 3, "loss": 9})
    assert table.rows()[-1] == {"iteration": "3", "loss": "9"}


def test_a_row_cut_short_by_a_crash_is_dropped(tmp_path):
    table = IterationTable(tmp_path / "history.csv")
    table.append({"iteration": 1, "loss": 0.5})
    table.append({"iteration": 2, "loss": 0.25})
    table.path.write_text(table.path.read_text()[:-3])
    assert [row["iteration"] for row in table.rows()] == ["1"]
    table.cut_after(5)
    table.append({"iteration": 2, "loss": 0.125})
    assert table.rows()[-1] == {"iteration": "2", "loss": "0.125"}


@pytest.mark.parametrize(
    ("name", "content"),
    [("data.json", {"files": 3}), ("data.json", {}), ("environment.json", {"calosim_tf": "0", "packages": [1]})],
)
def test_a_record_of_another_shape_is_one_line(begun, tiny, name, content):
    """Breaks if a run folder that was edited by hand gives a KeyError on resume."""
    write_json(begun.path / name, content)
    with pytest.raises(RunFolderError, match=r"is damaged|begun with"):
        begun.prepare(tiny, Source(), resume=True, force=False)


def test_a_normalisation_of_words_is_one_line(begun):
    """Breaks if a number of a run record is not looked at before numpy fails on it."""
    record = read_json(begun.path / "data.json", "")
    record["normalisation"]["kin_min_mev"] = "low"
    write_json(begun.path / "data.json", record)
    with pytest.raises(RunFolderError, match="kin_min_mev is 'low', expected a number"):
        begun.normalisation()


def test_resuming_under_another_tensorflow_is_refused(begun, tiny):
    """Breaks if other kernels continue the run: the bits would differ."""
    record = read_json(begun.path / "environment.json", "")
    record["packages"]["tensorflow"] = "2.14.0"
    write_json(begun.path / "environment.json", record)
    with pytest.raises(RunFolderError, match=r"begun with tensorflow 2\.14\.0"):
        begun.prepare(tiny, Source(), resume=True, force=False)


@pytest.mark.parametrize("left", [["data.json"], ["data.json", "environment.json", ".config.json.partial-7"]])
def test_a_folder_that_a_killed_process_began_is_used(begun, tiny, left):
    """Breaks if a job that was killed while it made its folder can never be resubmitted."""
    (begun.path / ".config.json.partial-7").write_text("{")
    for path in begun.path.iterdir():
        if path.name not in left:
            path.unlink()
    begun.prepare(tiny, Source(), resume=True, force=False)
    assert begun.experiment() == tiny
    assert sorted(path.name for path in begun.path.iterdir()) == ["config.json", "data.json", "environment.json"]


def test_clearing_a_run_can_be_cut_short(begun, tiny, monkeypatch):
    """Breaks if a kill in the middle of --force leaves a folder that is neither a run nor empty."""
    begun.history.append({"iteration": 1, "loss": 2.0})
    monkeypatch.setattr("shutil.rmtree", lambda *_arguments, **_options: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        begun.prepare(tiny, Source(), resume=False, force=True)
    monkeypatch.undo()
    assert not begun.exists
    begun.prepare(tiny, Source(), resume=True, force=False)
    assert begun.history.rows() == []
    assert begun.exists


def test_a_published_run_has_its_generator_and_no_paths(begun, tiny, tmp_path):
    """Breaks when another checkpoint or network is published, an unfinished run is, or a path of this machine stays."""
    networks = build_networks(tiny)
    store, expected = CheckpointStore(begun.checkpoints, keep=9), networks["generator"].get_weights()
    store.save(checkpoint_of(**networks), 4)
    networks["generator"].set_weights([weight + 1.0 for weight in expected])
    store.save(checkpoint_of(**networks), 6)
    store.mark_best(4)
    data = read_json(begun.path / "data.json", "")
    write_json(begun.path / "data.json", data | {"files": [{"path": "/home/someone/a.hdf5", "events": 3}]})
    machine = read_json(begun.path / "environment.json", "")
    write_json(begun.path / "environment.json", machine | {"command": ["calosim", "--data", "/home/someone/a.hdf5"]})
    for name in ("history.csv", "selection.csv"):
        (begun.path / name).write_text(f"{name}\n")
    with pytest.raises(RunFolderError, match="expected a finished run"):
        publish(begun, tmp_path / "out")
    begun.write_status(6, "finished", 0)
    with pytest.raises(RunFolderError, match=r"found no report/metrics\.json"):
        publish(begun, tmp_path / "out")
    begun.report.mkdir()
    write_json(begun.report / "metrics.json", {"metrics": 1})
    assert main([str(begun.path), str(tmp_path / "out")]) == 0
    out = RunFolder(tmp_path / "out")
    generator, iterations = load_generator(out)
    assert iterations == (4,)
    for found, weight in zip(generator.network.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, weight)
    names = tf.train.load_checkpoint(str(out.checkpoints / "4" / "state")).get_variable_to_shape_map()
    assert not any("critic" in name for name in names)
    assert not any("someone" in path.read_text() for path in out.path.glob("*.json"))
    assert out.data()["files"] == [{"path": "a.hdf5", "events": 3}]
    assert read_json(out.report / "metrics.json", "") == {"metrics": 1}
    assert main([str(begun.path), str(out.path)]) == 2


def test_a_teacher_is_the_judged_network_of_one_run_in_the_units_of_its_student(begun, tiny, tmp_path):
    """Breaks when the newest checkpoint teaches, it goes on learning, or its showers have other units."""

    def taught_by(path):
        return get_experiment("caloflow_photon_student").with_values({"training.teacher": str(path)})

    generator = build_networks(tiny)["generator"]
    store, expected = CheckpointStore(begun.checkpoints, keep=9), generator.get_weights()
    store.save(checkpoint_of(generator=generator), 2)
    store.mark_best(2)
    generator.set_weights([weight + 1.0 for weight in expected])
    store.save(checkpoint_of(generator=generator), 4)
    own = begun.normalisation()
    teacher = load_teacher(taught_by(begun.path), own, "student")
    assert teacher.trainable_variables == []
    for found, weight in zip(teacher.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, weight)
    with pytest.raises(ConfigError, match=f"found {begun.path}, whose normalisation is not that of student"):
        load_teacher(taught_by(begun.path), replace(own, kin_max_mev=9e5), "student")
    assert load_teacher(tiny, own, "student") is None
    for path in ("", tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match=r"training\.teacher: found .*expected the run folder of one trained"):
            load_teacher(taught_by(path), own, "student")


def test_an_untrained_run_has_the_first_weights_of_its_seed(tiny, tmp_path):
    """Breaks when its weights are others, a change of them is lost, or an existing run is overwritten."""
    run = RunFolder(tmp_path / "run")
    write_untrained(tiny, Source(), run, lambda network: network.set_weights([w + 1.0 for w in network.get_weights()]))
    generator, iterations = load_generator(run)
    assert iterations == (0,)
    expected = build_networks(tiny)["generator"].get_weights()
    for found, first in zip(generator.network.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, first + 1.0)
    with pytest.raises(RunFolderError, match="found an existing run"):
        write_untrained(tiny, Source(), run)
