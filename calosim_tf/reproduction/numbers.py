"""A published number, and the ways to find ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import VoxelDetector, get_detector
from calosim_tf.reproduction.measurements import Measurement

EQUAL = "equal"
DIFFERS = "differs"
ORDER_AGREES = "order agrees"
ORDER_DISAGREES = "order disagrees"
TOO_SHORT = "too short to tell"
OTHER_DATA = "other data"
OTHER_MACHINE = "other machine"
PUBLIC_DATA = "needs public data"
GPU = "needs GPU"
NOT_COMPARED = "not compared"

STATUSES = {
    EQUAL: "ours is the published one, to the digits it is printed with; counted or read anew for every table, or held "
    "by the test that is named",
    DIFFERS: "it is not, and the reason stands beside it",
    ORDER_AGREES: "measured on other data, where only the order of the models can be compared; it is the published one",
    ORDER_DISAGREES: "it is not; in brackets by how many standard errors the clearest pair is the other way round",
    TOO_SHORT: "an order after less than a tenth of the published training; which one stands beside it",
    OTHER_DATA: "measured on data that are not the paper's, so the values are not comparable",
    OTHER_MACHINE: "a time, measured on another machine",
    PUBLIC_DATA: "not measured: needs the public data, or a run of the published length on them",
    GPU: "not measured: needs a GPU, or several",
    NOT_COMPARED: "nothing to compare: the reason stands beside it",
}


# Text in place of our number where there is none
WITHOUT_NUMBER = {
    EQUAL: "the same",
    DIFFERS: "another",
    PUBLIC_DATA: "not measured",
    GPU: "not measured",
    NOT_COMPARED: "none",
}


@dataclass(frozen=True)
class Ours:
    """Our side of a comparison.

    Attributes
    ----------
    text : str
        The number, or a dash.
    status : str
        One of :data:`STATUSES`.
    how : str
        Command that gives the number, or why there is none.
    measurement : Measurement or None
        Where it was measured.
    """

    text: str
    status: str
    how: str
    measurement: Measurement | None = None


@dataclass(frozen=True)
class Context:
    """Where numbers come from.

    Attributes
    ----------
    networks : callable
        Experiment name -> the entry ``networks`` of ``calosim info --json``.
    measurements : mapping of str to Measurement
        By ``EXPERIMENT:METRIC``.
    """

    networks: Callable[[str], Mapping[str, Any]]
    measurements: Mapping[str, Measurement]


class Finder(Protocol):
    """A way to find our number."""

    def find(self, context: Context) -> Ours:
        """Our side of the comparison."""


@dataclass(frozen=True)
class PublishedNumber:
    """One number of a source document.

    Attributes
    ----------
    what : str
    printed : str
        As it is printed there.
    place : str
        Section, table, figure or slide.
    ours : Finder
    group : str
        Numbers of one group are results whose order is compared; with :attr:`value`.
    value : float or None
        Of a number in a group.
    """

    what: str
    printed: str
    place: str
    ours: Finder
    group: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Document:
    """A source document: ``name`` is that of its page in ``docs/papers``."""

    name: str
    title: str
    numbers: tuple[PublishedNumber, ...]


def spaced(number: int) -> str:
    """Digits in groups of three."""
    return f"{number:,}".replace(",", " ")


def _is_printed_as(ours: int, published: int, step: int) -> bool:
    """Whether ``ours``, rounded or cut to the last printed digit (of value ``step``), is the published count."""
    return published in (step * round(ours / step), step * (ours // step))


# Word for a count -> its value in the description of the networks
COUNTS: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "generator": lambda networks: networks["generator"]["params_trainable"],
    "generator in all": lambda networks: networks["generator"]["params_total"],
    "generator, dense layers": lambda networks: networks["generator"]["params_dense"],
    "convolutions": lambda networks: networks["generator"]["conv_layers"],
    "critic": lambda networks: networks["critic"]["params_trainable"],
    **{
        kind: lambda networks, kind=kind: networks[kind]["params_trainable"]
        for kind in ("encoder", "decoder", "latent_critic", "constrainer")
    },
    "critic in all": lambda networks: networks["critic"]["params_total"],
    "all generators": lambda networks: networks["params_total_all_generators"],
    "all networks": lambda networks: sum(row["params_total"] for row in _all_networks(networks)),
}


def _all_networks(networks: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Descriptions of one network by kind, or lists of them in a split; whatever is not a network is a bare number."""
    found = []
    for described in networks.values():
        found += described if isinstance(described, list) else [described]
    return [network for network in found if isinstance(network, Mapping)]


@dataclass(frozen=True)
class Count:
    """A count of parameters or layers, computed when needed; printed to multiples of ``step``."""

    experiment: str
    which: str
    value: int
    step: int = 1
    remark: str = ""

    def find(self, context: Context) -> Ours:
        """As :meth:`Finder.find`."""
        ours = COUNTS[self.which](context.networks(self.experiment))
        how = f"`calosim info {self.experiment}`"
        if _is_printed_as(ours, self.value, self.step):
            return Ours(spaced(ours), EQUAL, how + (f"; {self.remark}" if self.remark else ""))
        off = f"{100 * (ours / self.value - 1):+.2f} %"
        return Ours(spaced(ours), DIFFERS, f"{off}, {self.remark}; {how}" if self.remark else f"{off}; {how}")


@dataclass(frozen=True)
class Setting:
    """A setting of an experiment, read when needed; ``value`` is None where the document prints none."""

    experiment: str
    key: str
    value: Any
    remark: str = ""

    def find(self, context: Context) -> Ours:
        """As :meth:`Finder.find`."""
        ours: Any = get_experiment(self.experiment)
        path = self.key.split(".")
        if path[0] == "members":
            ours = next(member for member in ours.members if member.name == path[1])
            path = path[2:]
        for name in path:
            ours = getattr(ours, name)
        how = f"`{self.key}` in `calosim info {self.experiment}`" + (f"; {self.remark}" if self.remark else "")
        if self.value is None:
            return Ours(_words(ours), NOT_COMPARED, how)
        return Ours(_words(ours), EQUAL if ours == self.value else DIFFERS, how)


@dataclass(frozen=True)
class Geometry:
    """A property of a detector, computed when needed."""

    detector: str
    quantity: Callable[[VoxelDetector], Any]
    value: Any
    remark: str = ""

    def find(self, context: Context) -> Ours:
        """As :meth:`Finder.find`."""
        ours = self.quantity(get_detector(self.detector))
        how = f"detector `{self.detector}` in `calosim_tf/geometry`" + (f"; {self.remark}" if self.remark else "")
        return Ours(_words(ours), EQUAL if ours == self.value else DIFFERS, how)


@dataclass(frozen=True)
class FirstMeasured:
    """The first available one of some measurements, ``EXPERIMENT:METRIC``; else a status and its reason."""

    keys: tuple[str, ...]
    missing: str
    reason: str
    status: str = OTHER_DATA

    def find(self, context: Context) -> Ours:
        """As :meth:`Finder.find`."""
        for key in self.keys:
            found = context.measurements.get(key)
            if found is not None:
                return Ours(found.text, self.status, found.how, found)
        return Reason(self.missing, self.reason).find(context)


@dataclass(frozen=True)
class Reason:
    """A number that cannot be computed when needed, and why."""

    status: str
    reason: str

    def find(self, context: Context) -> Ours:
        """As :meth:`Finder.find`."""
        return Ours(WITHOUT_NUMBER[self.status], self.status, self.reason)


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return spaced(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def published_by(experiment: str, what: str) -> float:
    """A value that an experiment names as published, so that it is kept in one place."""
    return next(row.value for row in get_experiment(experiment).published if row.what == what)


def settings(experiment: str, place: str, *rows: tuple[str, str, str, Any]) -> tuple[PublishedNumber, ...]:
    """Several settings of an experiment: what it is, as printed, the key, the value."""
    return tuple(
        PublishedNumber(what, printed, place, Setting(experiment, key, value)) for what, printed, key, value in rows
    )


def not_compared(place: str, reason: str, *rows: tuple[str, str]) -> tuple[PublishedNumber, ...]:
    """Several numbers that share the reason why they are not compared: what it is, as printed."""
    return tuple(PublishedNumber(what, printed, place, Reason(NOT_COMPARED, reason)) for what, printed in rows)
