"""Two measured sets of showers side by side: what every metric is computed from.

A :class:`Sample` is a set of showers with its features; a :class:`Comparison` holds a generated and a reference sample,
over all incident energies or at one.  The :class:`Baseline` is the same comparison with independent Monte Carlo in the
place of the generated showers: the value that a perfect generator would reach with the same showers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from calosim_tf.data.schema import ShowerSet, holdout_rows
from calosim_tf.errors import DataError
from calosim_tf.physics.distances.chi2 import Chi2Table, chi2_from_totals
from calosim_tf.physics.observables.energies import group_energies, joined_ranges, require_same_mix
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.same_energy import same_energy


@dataclass(frozen=True, eq=False)
class Comparison:
    """A generated and a reference sample, over all incident energies (``energy_mev=None``) or at one.

    ``training`` are the training showers of the generator, where they are known; ``notes`` say what was left out.
    """

    generated: Sample
    reference: Sample
    energy_mev: float | None = None
    training: ShowerSet | None = None
    notes: tuple[str, ...] = ()
    _shared: dict[Any, Any] = field(default_factory=dict, repr=False)

    def shared(self, key: Any, make: Callable[[], Any]) -> Any:
        """Result of ``make()``, computed once for all metrics that need ``key``."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    @cached_property
    def by_energy(self) -> list[Comparison]:
        """One comparison per incident energy, in increasing order."""
        groups = self.reference.groups
        pairs = zip(self.generated.by_energy, self.reference.by_energy, groups.energy_mev, strict=True)
        return [Comparison(generated, reference, float(energy)) for generated, reference, energy in pairs]

    @cached_property
    def chi2(self) -> Chi2Table:
        """Selection chi2 of the total energy."""
        return chi2_from_totals(
            self.reference.incident_mev,
            self.reference.total_mev / 1000.0,
            self.generated.incident_mev,
            self.generated.total_mev / 1000.0,
            self.reference.groups,
        )

    @property
    def provides(self) -> frozenset[str]:
        """What a metric may list in ``needs``: quantities per layer, ``discrete_energies``, kinds of detectors."""
        names = set(self.reference.features.per_layer)
        if self.reference.groups.discrete:
            names.add("discrete_energies")
        return frozenset(names.union(self.reference.showers.detector.provides))


@dataclass(frozen=True, eq=False)
class Baseline:
    """Monte Carlo against Monte Carlo.

    Attributes
    ----------
    comparison : Comparison
        Independent Monte Carlo as ``generated``, against the reference (or against the other half of it).
    matched : Comparison or None
        Generated showers in the same numbers as ``comparison``, where these differ from the main comparison.
    note : str
        How the two were made.
    """

    comparison: Comparison
    matched: Comparison | None
    note: str


def compare(
    generated: ShowerSet,
    reference: ShowerSet,
    training: ShowerSet | None = None,
    *,
    control: ShowerSet | None = None,
    halved: bool = False,
) -> Comparison:
    """Measure two sets of showers.

    Parameters
    ----------
    generated, reference : ShowerSet
    training : ShowerSet, optional
        The training set of the generator, where it is known.
    control : ShowerSet, optional
        Independent Monte Carlo, as for :func:`make_baseline`.
    halved : bool
        The reference will be cut into halves: an energy with a single shower is left out, a range of a spectrum with
        one is joined with the next, and ``notes`` say so.

    Raises
    ------
    DataError
        If the incident energies differ, or a voxel is not a finite number.
    """
    notes: tuple[str, ...] = ()
    if halved:
        generated, reference, notes = _without_lone_energies(generated, reference)
    groups = group_energies(reference.incident_energy_mev)
    incident = reference.incident_energy_mev, generated.incident_energy_mev
    require_same_mix(groups, *incident, generated.source)
    others = [part.incident_energy_mev for part in (generated, control) if part is not None]
    joined = joined_ranges(groups, incident[0], others, least=2 if halved else 1)
    if len(joined) < len(groups):
        notes = (f"Of {len(groups)} ranges of incident energy, those with too few showers were joined with others.",)
    samples = Sample.measure(generated, joined), Sample.measure(reference, joined)
    return Comparison(*samples, training=training, notes=notes)


def _without_lone_energies(generated: ShowerSet, reference: ShowerSet) -> tuple[ShowerSet, ShowerSet, tuple[str, ...]]:
    """Both sets without the discrete energies that have one reference shower, unless all are like that."""
    groups = group_energies(reference.incident_energy_mev)
    index = groups.index(reference.incident_energy_mev)
    enough = np.bincount(index, minlength=len(groups)) > 1
    if not groups.discrete or enough.all() or not enough.any():
        return generated, reference, ()
    lone = groups.energy_mev[~enough]
    elsewhere = ~same_energy(generated.incident_energy_mev[:, None], lone).any(axis=1)
    words = ", ".join(f"{energy:g}" for energy in lone)
    note = f"Left out, with a single reference shower each: {words} MeV."
    return generated.take(np.flatnonzero(elsewhere)), reference.take(np.flatnonzero(enough[index])), (note,)


def make_baseline(comparison: Comparison, control: ShowerSet | None) -> Baseline:
    """The Monte-Carlo-against-Monte-Carlo value shown next to each number.

    Parameters
    ----------
    comparison : Comparison
        Of the generated showers.
    control : ShowerSet or None
        Independent Monte Carlo of the reference's source.  If it holds more showers at an energy than were generated,
        only as many are used.  Without it, the reference is cut into two halves, alternating within each energy.

    Raises
    ------
    DataError
        If the control's incident energies differ from the reference's, or without it the reference is too small to
        halve.
    """
    reference = comparison.reference
    if control is not None:
        incident = control.incident_energy_mev
        require_same_mix(reference.groups, reference.incident_mev, incident, f"control ({control.source})")
        monte_carlo, against = Sample.measure(control, reference.groups), reference
    else:
        if any(size == 1 for size in _sizes(reference)):
            raise DataError(
                "reference: a single shower at an incident energy cannot be halved: add showers or a control set"
            )
        first = holdout_rows(reference.incident_mev, 0.5)
        monte_carlo, against = (reference.take(np.flatnonzero(half)) for half in (first, ~first))
    sizes = [min(pair) for pair in zip(_sizes(monte_carlo), _sizes(comparison.generated), strict=True)]
    monte_carlo = _thin(monte_carlo, sizes)
    same_sizes = against is reference and sizes == _sizes(comparison.generated)
    matched = (
        None if same_sizes else Comparison(_thin(comparison.generated, sizes), against, training=comparison.training)
    )
    return Baseline(
        Comparison(monte_carlo, against, training=comparison.training),
        matched,
        _baseline_note(monte_carlo, against, control, matched),
    )


def _baseline_note(monte_carlo: Sample, against: Sample, control: ShowerSet | None, matched: Comparison | None) -> str:
    how = "an independent sample" if control is not None else "one half of the reference"
    against_what = "the reference" if control is not None else "the other half"
    note = f"MC vs MC: {how} ({len(monte_carlo)} showers) against {against_what} ({len(against)} showers)."
    if matched is not None:
        note += (
            " The numbers of showers differ from the main comparison; chi2/NDF grows with the number of showers"
            " and the floor of a separation power falls with it: compare MC vs MC with the value at equal N."
        )
    return note


def _sizes(sample: Sample) -> list[int]:
    return [len(places) for places in sample.group_places]


def _thin(sample: Sample, sizes: Sequence[int]) -> Sample:
    """The first ``sizes[k]`` showers of each energy, in file order; the sample itself if that is all of them."""
    if list(sizes) == _sizes(sample):
        return sample
    kept = [places[:size] for places, size in zip(sample.group_places, sizes, strict=True)]
    return sample.take(np.sort(np.concatenate(kept)))
