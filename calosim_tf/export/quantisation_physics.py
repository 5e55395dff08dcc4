"""What quantisation changes in showers: the same particles and latents through both networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import ConfigError
from calosim_tf.export.particles import particle_attributes
from calosim_tf.export.parts import Part
from calosim_tf.export.runners import Runner
from calosim_tf.latents import draw_latents
from calosim_tf.physics.metrics.calogan import CALOGAN_METRICS
from calosim_tf.physics.metrics.comparison import Comparison, compare
from calosim_tf.physics.metrics.layer_shapes import SHAPE_METRICS
from calosim_tf.physics.metrics.metric import OVERALL, run_metric
from calosim_tf.physics.metrics.response import RESPONSE_METRICS
from calosim_tf.physics.metrics.three_d_gan import THREE_D_METRICS

# Those of `calosim evaluate` that are meaningful for a few hundred showers (FPD and the like need 10 000)
METRICS = {metric.name: metric for metric in (*RESPONSE_METRICS, *SHAPE_METRICS, *CALOGAN_METRICS, *THREE_D_METRICS)}
# Our choice: two per decade or more in every detector here, and the public ones for photons
CHECK_ENERGIES = 9


@dataclass(frozen=True)
class Check:
    """Particles and latents for both networks, and the showers of the network before quantisation.

    Attributes
    ----------
    part : Part
    energy_mev : ndarray, shape (n,)
    attributes : ndarray, shape (n, attributes of the detector)
    latent : ndarray, shape (n, l)
    """

    part: Part
    energy_mev: np.ndarray
    attributes: np.ndarray
    latent: np.ndarray

    @classmethod
    def over_energies(cls, part: Part, count: int, seed: int) -> Check:
        """About ``count`` showers in equal numbers at energies over the whole range trained on."""
        energies = np.unique(part.particles(CHECK_ENERGIES, seed)[0])
        energy = np.repeat(energies, max(2, count // len(energies)))
        attributes = particle_attributes(part.generator.detector, energy, np.random.default_rng(seed))
        return cls(part, energy, attributes, draw_latents(part.generator.latent, seed, 0, len(energy)))

    @classmethod
    def like(cls, part: Part, reference: ShowerSet, seed: int) -> Check:
        """One shower per shower of ``reference``, of the same particles."""
        latent = draw_latents(part.generator.latent, seed, 0, len(reference))
        return cls(part, reference.incident_energy_mev, reference.attributes, latent)

    @cached_property
    def label(self) -> np.ndarray:
        """Conditions, float32."""
        return self.part.label(self.energy_mev, self.attributes)

    @cached_property
    def before(self) -> ShowerSet:
        """Showers of the network in floating point."""
        return self._set(self.part.outputs(self.latent, self.label), "float32")

    def after(self, run: Runner, what: str) -> ShowerSet:
        """Showers of a quantised network."""
        return self._set(run(self.latent, self.label), what)

    @cached_property
    def _itself(self) -> Comparison:
        return compare(self.before, self.before)

    def changes(self, after: ShowerSet, names: Iterable[str]) -> dict[str, float]:
        """How far showers are from those before, for names of :data:`CHANGES` and of metrics of evaluation.

        A metric of the latter kind is that of ``after`` against the showers before, less that of the showers before
        against themselves.

        Raises
        ------
        ConfigError
            The detector does not have a metric.
        """
        found, comparison = {}, None
        for name in names:
            if name in CHANGES:
                found[name] = CHANGES[name][1](self.before, after)
                continue
            metric, comparison = METRICS[name], comparison or compare(after, self.before)
            if not metric.needs <= comparison.provides:
                detector = self.part.generator.detector.name
                raise ConfigError(f"--tolerance: found metric {name}, which detector {detector} does not have")
            values = [run_metric(metric, one, "quantised")[""].value for one in (comparison, self._itself)]
            found[name] = abs(values[0] - values[1])
        return found

    def _set(self, outputs: np.ndarray, what: str) -> ShowerSet:
        showers = self.part.showers(outputs, self.energy_mev)
        return ShowerSet(self.energy_mev, showers, self.part.generator.detector, what, self.attributes)


def per_energy(before: ShowerSet, after: ShowerSet) -> list[dict[str, float]]:
    """Mean and width of E_tot/E_inc before and after, and the relative changes, energy by energy."""
    rows = []
    totals = [showers.showers_mev.sum(axis=1, dtype=np.float64) for showers in (before, after)]
    for energy in np.unique(before.incident_energy_mev):
        chosen = before.incident_energy_mev == energy
        one, other = (total[chosen] / energy for total in totals)
        rows.append(
            {
                "incident_energy_mev": float(energy),
                "showers": int(chosen.sum()),
                "response_before": float(one.mean()),
                "response_after": float(other.mean()),
                "response_shift": _change(one.mean(), other.mean()),
                "width_before": float(one.std()),
                "width_after": float(other.std()),
                "width_shift": _change(one.std(), other.std()),
            }
        )
    return rows


def _change(before: float, after: float) -> float:
    return float((after - before) / before) if before else (0.0 if after == before else float("inf"))


def _worst(key: str) -> Callable[[ShowerSet, ShowerSet], float]:
    return lambda before, after: max(abs(row[key]) for row in per_energy(before, after))


def _energy_rms(before: ShowerSet, after: ShowerSet) -> float:
    one, other = (x.showers_mev.sum(axis=1, dtype=np.float64) for x in (before, after))
    return float(np.sqrt(np.mean((other - one) ** 2)) / np.sqrt(np.mean(one**2))) if one.any() else 0.0


def _cell_rms(before: ShowerSet, after: ShowerSet) -> float:
    size = float(np.linalg.norm(before.showers_mev.astype(np.float64)))
    return float(np.linalg.norm(after.showers_mev.astype(np.float64) - before.showers_mev)) / size if size else 0.0


# Name -> (what it is, function of the showers before and after); 0 for no change
CHANGES: dict[str, tuple[str, Callable[[ShowerSet, ShowerSet], float]]] = {
    "response_shift": ("largest relative change of the mean E_tot/E_inc over the energies", _worst("response_shift")),
    "width_shift": ("largest relative change of the width of E_tot/E_inc over the energies", _worst("width_shift")),
    "shower_energy_rms": ("change of the total energy of a shower, rms over rms", _energy_rms),
    "cell_rms": ("change of a cell, rms over rms", _cell_rms),
}


def require_known(names: Iterable[str]) -> None:
    """:class:`ConfigError` unless every name is one of :data:`CHANGES` or a metric with an ideal value."""
    known = [*CHANGES, *(n for n, m in METRICS.items() if m.ideal is not None and OVERALL in m.scopes)]
    for name in names:
        if name not in known:
            raise ConfigError(f"--tolerance: found metric {name!r}, expected one of {', '.join(known)}")


def holds(found: dict[str, float], tolerances: dict[str, float]) -> bool:
    """Whether every change is inside of its tolerance; one that is not a number is not."""
    return all(found[name] <= tolerance for name, tolerance in tolerances.items())


def against_reference(check: Check, after: ShowerSet, reference: ShowerSet) -> list[dict[str, Any]]:
    """Headline metrics of both networks against Monte Carlo of the same particles."""
    rows = []
    samples = {"before": compare(check.before, reference), "after": compare(after, reference)}
    provided = samples["before"].provides
    for name, metric in METRICS.items():
        if metric.ideal is None or not metric.needs <= provided or OVERALL not in metric.scopes:
            continue
        values = {key: run_metric(metric, one, "quantised").get("") for key, one in samples.items()}
        # left out where there is no number for all of it, or the showers are too few for one
        if None in values.values() or any(measured.reason for measured in values.values()):
            continue
        row: dict[str, Any] = {"metric": name, "unit": metric.unit, "ideal": metric.ideal}
        for key, measured in values.items():
            row[key], row[f"{key}_error"] = _number(measured.value), _number(measured.error)
        rows.append(row)
    return rows


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
