"""What the workflow does for a member: train, judge, export.  Each may be killed at any time and started again."""

from __future__ import annotations

from calosim_tf.files import read_json, sha256
from calosim_tf.fleet.checks import experiment_of
from calosim_tf.fleet.folder import FleetFolder, MemberFolder
from calosim_tf.fleet.plan import FleetMember


def train(member: FleetMember, folder: MemberFolder) -> None:
    """Train a member, from its last checkpoint if there is one.

    Raises
    ------
    CalosimError
        As for :func:`calosim_tf.api.training.train`.
    """
    from calosim_tf.api.training import train_alone
    from calosim_tf.training.run_folder import RunFolder
    from calosim_tf.training.signals import stop_at_once

    experiment = experiment_of(member, folder.run)
    folder.begin(member.lasting() | {"sha256": [sha256(path) for path in member.files]})
    with stop_at_once(folder.run):
        train_alone(experiment, _data(member), resume=True, force=False, at_the_end=None)
    run = RunFolder(folder.run)
    sums = {
        str(path.parent.parent.relative_to(folder.run)): read_json(path, "a manifest")["sha256"]
        for path in sorted(folder.run.glob("**/checkpoints/*/manifest.json"))
    }
    folder.finish("train", {"iteration": run.status().get("iteration"), "checkpoints": sums})


def judge(member: FleetMember, folder: MemberFolder) -> None:
    """Write the report of a member against the held-out part of its data."""
    from calosim_tf.api.tensorflow_start import start_tensorflow
    from calosim_tf.api.training import report_on
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.training.judging.verdict import print_verdict
    from calosim_tf.training.run_folder import RunFolder
    from calosim_tf.training.signals import stop_at_once

    experiment = experiment_of(member, folder.run)
    with stop_at_once(folder.run):
        source = source_of(experiment.data, _data(member))
        start_tensorflow(experiment.run.threads)
        report_on(RunFolder(folder.run), source, print_verdict)
    path = folder.run / "report" / "metrics.json"
    folder.finish("judge", {"metrics_sha256": sha256(path) if path.is_file() else None})


def export(member: FleetMember, folder: MemberFolder) -> None:
    """Export the best checkpoint of a member in the formats of the plan."""
    from calosim_tf.api.tensorflow_start import start_tensorflow
    from calosim_tf.export.options import ExportOptions
    from calosim_tf.export.write import export as write_bundle
    from calosim_tf.training.run_folder import RunFolder

    start_tensorflow(experiment_of(member, folder.run).run.threads)
    sidecar = write_bundle(RunFolder(folder.run), folder.bundle, ExportOptions(member.formats), force=True)
    folder.finish("export", {"files": {file.path: file.sha256 for file in sidecar.all_files}})


def run_step(step: str, member: FleetMember, fleet: FleetFolder) -> None:
    """Run one step of :data:`calosim_tf.fleet.folder.STEPS`; raises what it raises."""
    folder = fleet.member(member.name)
    with folder.working(step):
        {"train": train, "judge": judge, "export": export}[step](member, folder)


def _data(member: FleetMember) -> list[str] | None:
    return [str(path) for path in member.data] or None
