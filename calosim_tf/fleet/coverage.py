"""Gaps and overlaps of a plan in particle, eta and energy (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from calosim_tf.config.energy_range import closed
from calosim_tf.fleet.plan import FleetMember

# Edges that are closer are one edge: 0.1 + 0.2 and 0.3
SAME_ETA = 1e-9


@dataclass(frozen=True)
class FleetSlice:
    """A particle and a range of \\|eta\\| that no edge divides, with its members ascending in energy."""

    particle: str
    eta_range: tuple[float, float]
    members: tuple[FleetMember, ...]

    @property
    def words(self) -> str:
        """For messages."""
        return f"{self.particle} {self.eta_range[0]:g} < |eta| < {self.eta_range[1]:g}"


def slices(members: Sequence[FleetMember]) -> list[FleetSlice]:
    """Particle after particle, ascending in eta, from the lowest edge of the whole plan to the highest.

    A slice without members is a gap.
    """
    ends = [edge for member in members for edge in member.eta_range]
    found = []
    for particle in dict.fromkeys(member.particle for member in members):
        own = [member for member in members if member.particle == particle]
        # the ends of the others too: a particle that covers less has a gap there
        edges = _merged([min(ends), max(ends), *(edge for member in own for edge in member.eta_range)])
        for low, high in pairwise(edges):
            middle = (low + high) / 2
            inside = [member for member in own if member.eta_range[0] < middle < member.eta_range[1]]
            inside.sort(key=lambda member: closed(member.energy_range_mev))
            found.append(FleetSlice(particle, (low, high), tuple(inside)))
    return found


def gaps(found: Sequence[FleetSlice]) -> list[str]:
    """Where no member makes showers, in words: slices without one, and energies between those of two."""
    words = []
    for item in found:
        if not item.members:
            words.append(item.words)
        for below, above in pairwise(item.members):
            end, start = closed(below.energy_range_mev)[1], closed(above.energy_range_mev)[0]
            if start > end:
                words.append(f"{item.words} from {end:g} to {start:g} MeV")
    return words


def overlaps(found: Sequence[FleetSlice]) -> list[str]:
    """Where two members would make the same showers, in words; a shared edge is none."""
    words = []
    for item in found:
        for below, above in pairwise(item.members):
            if closed(above.energy_range_mev)[0] < closed(below.energy_range_mev)[1]:
                words.append(f"{below.name} and {above.name} both make {item.words}")
    return words


def _merged(edges: Sequence[float]) -> list[float]:
    found: list[float] = []
    for edge in sorted(edges):
        if not found or edge - found[-1] > SAME_ETA:
            found.append(edge)
    return found
