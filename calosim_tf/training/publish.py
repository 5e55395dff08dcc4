"""Cut a finished run down to what generation needs, with its record: ``python -m calosim_tf.training.publish RUN OUT``.

The result is a run folder that ``generate``, ``evaluate`` and ``bench`` read like any other, but that cannot be trained
on: its only checkpoint holds the judged generator, without auxiliary models and optimisers.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from calosim_tf.errors import CalosimError, RunFolderError
from calosim_tf.files import read_json, write_json
from calosim_tf.keras_compat import checkpoint_of
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.load import judged_part, load_network
from calosim_tf.training.run_folder import RunFolder

RECORDS = ("history.csv", "selection.csv", "status.json")
SPLIT_RECORDS = ("status.json",)


def publish(run: RunFolder, out: Path) -> None:
    """Write the published form of ``run`` to the new folder ``out``.

    Paths in the records are cut to names, since they mean nothing on another machine.

    Raises
    ------
    RunFolderError
        ``out`` exists, or the run is not finished or has no report.
    """
    if out.exists():
        raise RunFolderError(f"{out}: exists, expected a new folder")
    if run.status().get("state") != "finished":
        raise RunFolderError(f"{run.path}: found state {run.status().get('state')!r}, expected a finished run")
    metrics = run.report / "metrics.json"
    if not metrics.is_file():
        raise RunFolderError(f"{run.path}: found no report/metrics.json, expected a judged run")
    _publish_run(run, out)
    for member in run.experiment().members:
        _publish_run(run.member(member.name), out / member.name)
    (out / "report").mkdir()
    shutil.copyfile(metrics, out / "report" / "metrics.json")


def _publish_run(run: RunFolder, out: Path) -> None:
    """Records of one run folder and, unless it only holds the members of a split, its judged generator."""
    experiment = run.experiment().with_values({"run.out": ""})
    network = None if experiment.members else load_network(run)
    out.mkdir(parents=True)
    for name in SPLIT_RECORDS if experiment.members else RECORDS:
        shutil.copyfile(run.path / name, out / name)
    write_json(out / "config.json", experiment.to_dict())
    data = run.data()
    data["files"] = [{**item, "path": Path(item["path"]).name} for item in data["files"]]
    write_json(out / "data.json", data)
    environment = read_json(run.path / "environment.json", "the environment of a run")
    environment["command"] = [Path(word).name if Path(word).is_absolute() else word for word in environment["command"]]
    write_json(out / "environment.json", environment)
    if network is not None:
        generator, iteration = network
        store = CheckpointStore(out / "checkpoints", keep=1)
        store.save(checkpoint_of(**{judged_part(run): generator.network}), iteration)
        store.mark_best(iteration)


def main(arguments: list[str]) -> int:
    """Command line of this module."""
    if len(arguments) != 2:
        print("usage: python -m calosim_tf.training.publish RUN OUT", file=sys.stderr)
        return 2
    try:
        publish(RunFolder(Path(arguments[0])), Path(arguments[1]))
    except CalosimError as error:
        print(f"calosim: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
