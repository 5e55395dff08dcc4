"""What was measured here: the committed record, and run folders or score files given by hand (no TensorFlow)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from calosim_tf.config import TrainingConfig, experiment_from_dict
from calosim_tf.errors import RunFolderError
from calosim_tf.experiments import EXPERIMENTS
from calosim_tf.files import read_json

RECORD = "measurements.json"


@dataclass(frozen=True)
class Measurement:
    """A number measured here.

    Attributes
    ----------
    experiment, metric : str
        What was measured of which network.
    value : float
    error : float or None
        Standard error, statistical.
    unit : str
    data : str
        What it was measured on: ``EGSnrc sample``, ``parametrised showers``, a public file.
    command : str
        Reproduces it.
    reference_vs_reference : float or None
        The same of real showers against real showers.
    n : int or None
        Generated showers.
    iterations, batch_size : int or None
        Of the training behind it; None for what no training changes.
    """

    experiment: str
    metric: str
    value: float
    error: float | None
    unit: str
    data: str
    command: str
    reference_vs_reference: float | None = None
    n: int | None = None
    iterations: int | None = None
    batch_size: int | None = None

    @property
    def share_of_training(self) -> float | None:
        """Showers trained on over those of the published training; None if no training is behind it."""
        if self.iterations is None:
            return None
        published = _published_training(self.experiment)
        return (
            self.iterations * (self.batch_size or published.batch_size) / (published.iterations * published.batch_size)
        )

    @property
    def key(self) -> str:
        return f"{self.experiment}:{self.metric}"

    @property
    def text(self) -> str:
        """Value, error and unit."""
        unit = f" {self.unit}" if self.unit not in ("", "1") else ""
        if self.error is None:
            return f"{self.value:.4g}{unit}"
        digits = _digits(self.error)
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}{unit}"

    @property
    def how(self) -> str:
        """Command, data, and what real showers score."""
        parts = [f"`{self.command}`", self.data]
        if self.share_of_training is not None:
            parts.append(
                f"{self.iterations} iterations, {100 * self.share_of_training:.2g} % of the published training"
            )
        if self.n is not None:
            parts.append(f"{self.n} showers")
        if self.reference_vs_reference is not None:
            parts.append(f"real against real {self.reference_vs_reference:.4g}")
        return "; ".join(parts)


def _published_training(experiment: str) -> TrainingConfig:
    """Of the experiment whose smoke size this may be; all members of a split train alike."""
    found = EXPERIMENTS[experiment.removesuffix("_smoke")]
    return found.members[0].training if found.members else found.training


def _digits(error: float) -> int:
    """Decimals that show two digits of an error."""
    if not error > 0:
        return 3
    exponent = int(f"{error:e}".split("e")[1])
    return max(0, 1 - exponent)


def committed_measurements() -> dict[str, Measurement]:
    """The record that comes with the package, by ``EXPERIMENT:METRIC``."""
    text = resources.files("calosim_tf.reproduction").joinpath(RECORD).read_text(encoding="utf-8")
    return _by_key(Measurement(**row) for row in json.loads(text)["measurements"])


def measurements_of(paths: Iterable[Path]) -> dict[str, Measurement]:
    """What run folders and score files hold, by ``EXPERIMENT:METRIC``.

    Parameters
    ----------
    paths : iterable of Path
        Run folders with a report, or ``metrics.json`` of ``calosim compare`` (or the folder it is in).

    Raises
    ------
    RunFolderError
        One is neither, or its report is missing or of another form.
    """
    return _by_key(row for path in paths for row in _read(Path(path)))


def _by_key(rows: Iterable[Measurement]) -> dict[str, Measurement]:
    return {row.key: row for row in rows}


def _read(path: Path) -> list[Measurement]:
    if (path / "config.json").is_file():
        return _of_run(path)
    scores = path / "metrics.json" if path.is_dir() else path
    content = read_json(scores, "a run folder, or scores of `calosim compare`")
    if not isinstance(content.get("models"), dict):
        raise RunFolderError(f"{scores}: found no entry 'models', expected scores of `calosim compare` or a run folder")
    command = f"calosim compare RUN ... --out {scores.parent.name}"
    return [
        row
        for name, model in content["models"].items()
        for row in _of_metrics(scores, name, model, str(model.get("reference", "")), command)
    ]


def _of_run(path: Path) -> list[Measurement]:
    config = path / "config.json"
    experiment = experiment_from_dict(read_json(config, "the configuration of a run"), str(config))
    report = path / "report" / "metrics.json"
    content = read_json(report, "the metrics of a run: write them with `calosim evaluate`, or train to the end")
    source = content.get("reference", {}).get("source", "")
    rows = _of_metrics(report, experiment.name, content, source, _train_command(experiment))
    if experiment.name not in EXPERIMENTS:
        return rows
    training = experiment.members[0].training if experiment.members else experiment.training
    return [replace(row, iterations=training.iterations, batch_size=training.batch_size) for row in rows]


def _of_metrics(path: Path, experiment: str, content: Mapping[str, Any], data: str, command: str) -> list[Measurement]:
    try:
        return [
            Measurement(
                experiment,
                name,
                entry["value"],
                entry.get("error"),
                entry.get("unit", ""),
                data,
                command,
                entry.get("reference_vs_reference"),
                entry.get("n", content.get("n")),
            )
            for name, entry in content["metrics"].items()
            if entry["value"] is not None
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{path}: found no usable entry 'metrics' ({error!r}), expected metrics.json") from error


def _train_command(experiment) -> str:
    """The command of a run: its experiment, and what was set differently."""
    known = EXPERIMENTS.get(experiment.name)
    if known is None:
        return f"calosim train {experiment.name}"
    now, usual = experiment.to_dict(), known.to_dict()
    changed = {
        key: _look_up(now, key)
        for key in experiment.setting_keys()
        if key.split(".")[0] in ("data", "network", "training", "members")
        and _look_up(now, key) != _look_up(usual, key)
    }
    words = [f"calosim train {experiment.name}"]
    iterations = changed.pop("training.iterations", None)
    if iterations is not None:
        words.append(f"--iterations {iterations}")
    if changed:
        words.append("--set " + " ".join(f"{key}={_as_typed(value)}" for key, value in changed.items()))
    return " ".join(words)


def _look_up(nested: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        if not isinstance(nested, Mapping) or part not in nested:
            return None
        nested = nested[part]
    return nested


def _as_typed(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value).lower()
