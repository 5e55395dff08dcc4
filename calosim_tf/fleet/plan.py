"""The plan of a fleet: a table in CSV or YAML, one row per generator (no TensorFlow)."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.config.energy_range import EnergyRange, closed
from calosim_tf.config.settings_file import flatten, parse_content, read_text, setting_values
from calosim_tf.errors import ConfigError

NEEDED = ("name", "particle", "eta_min", "eta_max", "experiment")
OPTIONAL = ("energy_min_mev", "energy_max_mev", "data", "binning", "settings", "seed", "formats")
# A plan of 300 members with long paths takes a fifth of it
MAX_PLAN_CHARACTERS = 1_000_000
DEFAULT_FORMATS = "saved_model"
ITERATIONS = "training.iterations"
# They become names of folders and files, and words of a command line
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class FleetMember:
    """One row of a plan.

    Attributes
    ----------
    name : str
        Of its folder.
    particle : str
        Word of the plan, which may differ from the particle of the experiment's detector.
    eta_range : (float, float)
        Range of \\|eta\\|.
    experiment : str
    energy_range_mev : (float or None, float or None)
        Incident energies it trains on and makes, None for an open end.
    data : tuple of Path
        Training files; empty for the data that the experiment has by default.
    settings : dict of str to value
        Dotted keys, as for ``calosim train --set``.
    binning : Path or None
        Binning file of its voxels; None for the detector of the experiment.
    formats : tuple of str
        What it is exported as.
    where : str
        Place in the plan, for messages.
    """

    name: str
    particle: str
    eta_range: tuple[float, float]
    experiment: str
    energy_range_mev: EnergyRange = (None, None)
    data: tuple[Path, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    binning: Path | None = None
    formats: tuple[str, ...] = (DEFAULT_FORMATS,)
    where: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """All settings by dotted key, the energy range among them."""
        low, high = self.energy_range_mev
        bounds = {"data.energy_min_mev": low, "data.energy_max_mev": high}
        return {**self.settings, **{key: value for key, value in bounds.items() if value is not None}}

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that decide about its weights."""
        return self.data if self.binning is None else (*self.data, self.binning)

    def lasting(self) -> dict[str, Any]:
        """What decides about its weights, but for the number of iterations: with another one the run goes on."""
        settings = {key: str(value) for key, value in sorted(self.values.items()) if key != ITERATIONS}
        data = {"data": [str(path) for path in self.data], "binning": str(self.binning or "")}
        return {"experiment": self.experiment, "settings": settings, **data}

    def record(self) -> str:
        """All that decides about its weights, as JSON: with another record the workflow trains it again."""
        return json.dumps({**self.lasting(), "iterations": str(self.values.get(ITERATIONS))})


@dataclass(frozen=True)
class FleetPlan:
    """All members, in the order of the table; ``path`` is the file they came from."""

    path: Path
    members: tuple[FleetMember, ...]

    def member(self, name: str) -> FleetMember:
        """Member of that name; :class:`ConfigError` when there is none."""
        for member in self.members:
            if member.name == name:
                return member
        raise ConfigError(f"{self.path}: found no member {name!r}, expected one of {len(self.members)} names")


def read_plan(path: str | Path) -> FleetPlan:
    """Read a table of members.

    A CSV file has one line per member below a header; several data files have ``;`` between them, several settings
    ``key=value`` blanks.  A YAML file is a list of members, or a table with the lists ``members`` and the common values
    ``defaults``.  Paths count from the folder of the plan.

    Raises
    ------
    ConfigError
        The file cannot be read, a column is missing or unknown, a value is not possible, or two members have one name.
    """
    path = Path(path)
    text = read_text(path, MAX_PLAN_CHARACTERS, "the plan", "a plan: a CSV or YAML table of members")
    rows = _yaml_rows(path, text) if path.suffix in (".yaml", ".yml", ".json") else _csv_rows(path, text)
    if not rows:
        raise ConfigError(f"{path}: found no member, expected a row for each generator below the names of the columns")
    members = tuple(_member(row, where, path.parent) for where, row in rows)
    seen: dict[str, FleetMember] = {}
    for member in members:
        if other := seen.get(member.name):
            raise ConfigError(
                f"{member.where}: found the name {member.name!r} of {other.where.rpartition(', ')[2]} again, expected "
                "a name of its own for each member"
            )
        seen[member.name] = member
    return FleetPlan(path, members)


def _csv_rows(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    reader = csv.DictReader((line for _, line in lines), skipinitialspace=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise ConfigError(f"{path}: is not CSV ({error}), expected a table of members") from error
    _require_columns(path.name, reader.fieldnames or ())
    found = []
    for (number, _), row in zip(lines[1:], rows, strict=False):
        where = f"{path}, line {number}"
        if None in row or None in row.values():
            columns = len(reader.fieldnames or ())
            raise ConfigError(f"{where}: found another number of values than the {columns} columns, expected as many")
        found.append((where, {key: value.strip() for key, value in row.items() if value.strip()}))
    return found


def _yaml_rows(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    content = parse_content(path, text)
    table = content if isinstance(content, Mapping) else {"members": content}
    members, defaults = table.get("members"), table.get("defaults") or {}
    right = isinstance(members, list) and all(isinstance(row, Mapping) for row in [*members, defaults])
    if not right or set(table) - {"members", "defaults"}:
        raise ConfigError(f"{path}: expected a list of members, or a table with members and defaults")
    rows = []
    for number, row in enumerate(members, 1):
        settings = {
            **flatten(_settings_table(path, defaults.get("settings"))),
            **flatten(_settings_table(path, row.get("settings"))),
        }
        merged = {**defaults, **row, "settings": settings}
        _require_columns(f"{path}, member {number}", merged)
        rows.append((f"{path}, member {number}", {k: v for k, v in merged.items() if v not in (None, "")}))
    return rows


def _settings_table(path: Path, given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return setting_values(given.split(), f"{path}, settings")
    if given is None or isinstance(given, dict):
        return given or {}
    raise ConfigError(f"{path}, settings: found {given!r}, expected a table or words KEY=VALUE")


def _require_columns(where: str, names: Any) -> None:
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in (*NEEDED, *OPTIONAL)]
    if missing or unknown or len(set(names)) < len(list(names)):
        found = f"the unknown {unknown[0]!r}" if unknown else f"no {missing[0]}" if missing else "a column twice"
        raise ConfigError(f"{where}: found {found}, expected {', '.join(NEEDED)}, and of {', '.join(OPTIONAL)} any")


def _member(row: Mapping[str, Any], where: str, folder: Path) -> FleetMember:
    for name in NEEDED:
        if name not in row:
            raise ConfigError(f"{where}, {name}: found nothing, expected a value")
    for name in ("name", "particle"):
        if not _NAME.fullmatch(str(row[name])):
            raise ConfigError(f"{where}, {name}: found {row[name]!r}, expected letters, digits, _ . + and -")
    eta = (_number(row, "eta_min", where), _number(row, "eta_max", where))
    if not 0 <= eta[0] < eta[1]:
        raise ConfigError(f"{where}: found eta_min {eta[0]:g}, eta_max {eta[1]:g}, expected 0 <= eta_min < eta_max")
    low, high = (_number(row, key, where) if key in row else None for key in ("energy_min_mev", "energy_max_mev"))
    if not closed((low, high))[0] < closed((low, high))[1] or (low or 0) < 0:
        raise ConfigError(f"{where}: found energies from {low} to {high} MeV, expected 0 <= energy_min < energy_max")
    settings = row.get("settings", {})
    if isinstance(settings, str):
        settings = setting_values(settings.split(), f"{where}, settings")
    if "seed" in row:
        settings = {**settings, "run.seed": str(row["seed"])}
    return FleetMember(
        str(row["name"]),
        str(row["particle"]),
        (eta[0], eta[1]),
        str(row["experiment"]),
        (low, high),
        tuple((folder / name).absolute() for name in _words(row.get("data", ()), ";")),
        settings,
        (folder / str(row["binning"])).absolute() if "binning" in row else None,
        _formats(row, where),
        where,
    )


def _number(row: Mapping[str, Any], key: str, where: str) -> float:
    try:
        value = float(row[key])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{where}, {key}: found {row[key]!r}, expected a number")
    return value


def _words(given: Any, separator: str) -> list[str]:
    items = given.split(separator) if isinstance(given, str) else given
    return [str(item).strip() for item in items if str(item).strip()]


def _formats(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    wanted = _words(row.get("formats", DEFAULT_FORMATS), ";")
    for name in wanted:
        if name not in FORMATS:
            raise ConfigError(f"{where}, formats: found {name!r}, expected some of {', '.join(FORMATS)}")
    return tuple(kind for kind in FORMATS if kind in wanted)
