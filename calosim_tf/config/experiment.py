"""An experiment: one generator and critic, or several that share the range of incident energies."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from calosim_tf.config.energy_range import closed
from calosim_tf.config.networks import NETWORKS, TRAININGS, Network
from calosim_tf.config.sections import DataConfig, Published, RunConfig, TrainingConfig
from calosim_tf.config.values import build, keys, nearest, typed
from calosim_tf.config.wgan_gp_training import WganGpTraining
from calosim_tf.errors import ConfigError


@dataclass(frozen=True)
class Experiment:
    """One published result, or a variation of it, as data."""

    name: str
    paper: str
    summary: str
    network: Network
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=WganGpTraining)
    run: RunConfig = field(default_factory=RunConfig)
    published: tuple[Published, ...] = ()

    SECTIONS: ClassVar[tuple[str, ...]] = ("network", "data", "training", "run")
    members: ClassVar[tuple[Member, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form; :func:`experiment_from_dict` is the inverse."""
        return dataclasses.asdict(self) | {"network": _network_dict(self.network)}

    def with_values(self, values: Mapping[str, Any]) -> Experiment:
        """Copy with dotted keys replaced; strings are parsed to the type of the field."""
        _require_known(values, self.setting_keys())
        return _replaced(self, self.SECTIONS, values, "")

    def setting_keys(self) -> list[str]:
        """All dotted keys that can be set."""
        return [key for section in self.SECTIONS for key in keys(getattr(self, section), section)]


@dataclass(frozen=True)
class Member:
    """One generator and critic of a split, with its range of incident energies.

    Attributes
    ----------
    name : str
        Word for settings and folders (``low``).
    energy_min_mev, energy_max_mev : float or None
        Incident energies it is trained on, inclusive at both ends; ``None`` is open.
    network : Network
    training : TrainingConfig
    """

    name: str
    network: Network
    energy_min_mev: float | None = None
    energy_max_mev: float | None = None
    training: TrainingConfig = field(default_factory=WganGpTraining)

    SECTIONS: ClassVar[tuple[str, ...]] = ("network", "training")
    RANGE: ClassVar[tuple[str, ...]] = ("energy_min_mev", "energy_max_mev")

    def __post_init__(self):
        # it becomes the name of a folder
        if not self.name.isidentifier():
            raise ConfigError(f"members: found the name {self.name!r}, expected letters, digits and _")
        low, high = self.range_mev
        if low > high:
            raise ConfigError(f"members.{self.name}.energy_min_mev: found {low!r}, expected at most {high!r}")

    @property
    def range_mev(self) -> tuple[float, float]:
        """Lower and upper end, infinite where open."""
        return closed((self.energy_min_mev, self.energy_max_mev))

    @property
    def range_words(self) -> str:
        """The range for messages."""
        low = "" if self.energy_min_mev is None else f"from {self.energy_min_mev:g} MeV "
        high = "" if self.energy_max_mev is None else f"up to {self.energy_max_mev:g} MeV"
        return (low + high).strip() or "all energies"


@dataclass(frozen=True)
class SplitExperiment:
    """Several generators, each for its own range of incident energies, that train, generate and count as one model.

    Ranges are inclusive at both ends, so showers on a shared edge are trained on by both neighbours; the upper one
    generates them.

    Attributes
    ----------
    members : tuple of Member
        In ascending order of energy.
    data : DataConfig
        Of the whole; each member sees the part of it in its range.
    """

    name: str
    paper: str
    summary: str
    members: tuple[Member, ...]
    data: DataConfig = field(default_factory=DataConfig)
    run: RunConfig = field(default_factory=RunConfig)
    published: tuple[Published, ...] = ()

    SECTIONS: ClassVar[tuple[str, ...]] = ("data", "run")

    def __post_init__(self):
        for below, above in zip(self.members[:-1], self.members[1:], strict=True):
            if not below.range_mev[0] < above.range_mev[0]:
                raise ConfigError(
                    f"members.{above.name}.energy_min_mev: found {above.energy_min_mev!r}, expected more than the "
                    f"{below.energy_min_mev!r} of {below.name}: members stand in ascending order"
                )

    def experiment(self, member: Member) -> Experiment:
        """What a member is by itself: it trains like any other experiment, in a folder of its name."""
        bounds = {
            "energy_min_mev": _inner(max, member.energy_min_mev, self.data.energy_min_mev),
            "energy_max_mev": _inner(min, member.energy_max_mev, self.data.energy_max_mev),
        }
        return Experiment(
            name=f"{self.name}/{member.name}",
            paper=self.paper,
            summary=f"{member.name} energies of {self.name}",
            network=member.network,
            data=dataclasses.replace(self.data, **bounds),
            training=member.training,
            run=self.run,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form; :func:`experiment_from_dict` is the inverse."""
        members = {
            member.name: dataclasses.asdict(member) | {"network": _network_dict(member.network)}
            for member in self.members
        }
        return dataclasses.asdict(self) | {"members": members}

    def with_values(self, values: Mapping[str, Any]) -> SplitExperiment:
        """Copy with dotted keys replaced.

        ``network.*`` and ``training.*`` change every member, ``members.NAME.*`` one of them, whatever the order.
        """
        _require_known(values, self.setting_keys())
        shared = {key: value for key, value in values.items() if key.split(".")[0] in Member.SECTIONS}
        members = []
        for member in self.members:
            prefix = f"members.{member.name}."
            own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
            members.append(_replaced(member, Member.SECTIONS, shared | own, prefix))
        whole = {key: value for key, value in values.items() if key.split(".")[0] in self.SECTIONS}
        return dataclasses.replace(_replaced(self, self.SECTIONS, whole, ""), members=tuple(members))

    def setting_keys(self) -> list[str]:
        """All dotted keys that can be set."""
        found = [key for section in self.SECTIONS for key in keys(getattr(self, section), section)]
        found += dict.fromkeys(key for member in self.members for key in _member_keys(member))
        for member in self.members:
            found += [f"members.{member.name}.{key}" for key in (*Member.RANGE, *_member_keys(member))]
        return found


AnyExperiment = Experiment | SplitExperiment


def experiment_from_dict(stored: Mapping[str, Any], where: str) -> AnyExperiment:
    """Inverse of :meth:`Experiment.to_dict` and :meth:`SplitExperiment.to_dict`; missing settings take their defaults.

    Parameters
    ----------
    stored : mapping
    where : str
        File the mapping came from, for the message of a :class:`ConfigError`.
    """
    try:
        common = {
            "name": stored["name"],
            "paper": stored["paper"],
            "summary": stored["summary"],
            "data": build(DataConfig, stored["data"], "data"),
            "run": build(RunConfig, stored["run"], "run"),
            "published": tuple(build(Published, row, "published") for row in stored["published"]),
        }
        if "members" in stored:
            members = (_member_from_dict(row, where) for row in stored["members"].values())
            return SplitExperiment(**common, members=tuple(members))
        return Experiment(
            **common,
            network=_network_from_dict(stored["network"], where),
            training=_training_from_dict(stored["training"], where, "training"),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(f"{where}: not a run configuration ({type(error).__name__}: {error})") from error


def dump_json(experiment: AnyExperiment) -> str:
    """The configuration as indented JSON text."""
    return json.dumps(experiment.to_dict(), indent=2) + "\n"


def _network_dict(network: Network) -> dict[str, Any]:
    return {"family": network.family, **dataclasses.asdict(network)}


def _network_from_dict(stored: Mapping[str, Any], where: str) -> Network:
    values = dict(stored)
    family = values.pop("family")
    if family not in NETWORKS:
        raise ConfigError(f"{where}: network family {family!r} is unknown: expected {', '.join(NETWORKS)}")
    return build(NETWORKS[family], values, "network")


def _training_from_dict(stored: Mapping[str, Any], where: str, prefix: str) -> TrainingConfig:
    algorithm = stored["algorithm"]
    if algorithm not in TRAININGS:
        raise ConfigError(f"{where}: training algorithm {algorithm!r} is unknown: expected {', '.join(TRAININGS)}")
    return build(TRAININGS[algorithm], stored, prefix)


def _member_from_dict(stored: Mapping[str, Any], where: str) -> Member:
    prefix = f"members.{stored['name']}"
    return Member(
        **typed(Member, {name: value for name, value in stored.items() if name not in Member.SECTIONS}, prefix),
        network=_network_from_dict(stored["network"], where),
        training=_training_from_dict(stored["training"], where, f"{prefix}.training"),
    )


def _member_keys(member: Member) -> list[str]:
    return [key for section in Member.SECTIONS for key in keys(getattr(member, section), section)]


def _inner(closer, first: float | None, second: float | None) -> float | None:
    given = [bound for bound in (first, second) if bound is not None]
    return closer(given) if given else None


def _require_known(values: Mapping[str, Any], known: list[str]) -> None:
    for key in values:
        if key not in known:
            raise ConfigError(f"configuration key {key!r} is unknown{nearest(key, known)}")


def _replaced(owner: Any, sections: tuple[str, ...], values: Mapping[str, Any], prefix: str) -> Any:
    """Copy of ``owner`` with known dotted keys replaced, in its sections or right in it."""
    tables = {name: dataclasses.asdict(getattr(owner, name)) for name in sections}
    direct = {}
    for key, value in values.items():
        *path, name = key.split(".")
        table = tables if path else direct
        for part in path:
            table = table[part]
        table[name] = value
    # all at once, because some values are only legal together
    built = {name: build(type(getattr(owner, name)), table, f"{prefix}{name}") for name, table in tables.items()}
    return dataclasses.replace(owner, **built, **typed(type(owner), direct, prefix.rstrip(".")))
