"""Charged pions: our own extension of the electromagnetic formulae, with published numbers where there are any.

    ionisation up to the first inelastic interaction, at a depth that is exponential in interaction lengths
    electromagnetic fraction f of the energy that is left: mean 1 - (E / 1 GeV)^(0.82 - 1) with wide fluctuations
    half of it at once (neutral pions of the first interaction): the electromagnetic profile from the start point
    the rest, and the hadronic part: a gamma distribution in interaction lengths
    of the hadronic part a fluctuating share is invisible (nuclear binding energy, neutrinos, slow neutrons)

Sources: the power law is that of T. A. Gabriel, D. E. Groom et al., NIM A 338 (1994) 336; the gamma distribution in
interaction lengths is that of R. K. Bock, T. Hansl-Kozanecka and T. P. Shah, NIM 186 (1981) 533.  Everything marked
"our choice" was set to give plausible showers and is not fitted to any.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammainc

from calosim_tf.data_prep.electromagnetic import CONVERSION_X0, electron_slices, lateral_shape, longitudinal_shape
from calosim_tf.data_prep.lateral import Component, clump_centres_mm
from calosim_tf.data_prep.stacks import Stack

# Gabriel, Groom et al.: exponent k - 1 and scale of the electromagnetic fraction of pion showers.
EM_EXPONENT, EM_SCALE_MEV = 0.82 - 1, 1000.0
# Our choice: charge exchange leaves some electromagnetic energy where the power law has none.
MIN_EM_FRACTION = 0.05
# Our choice: mean invisible share of the hadronic part, between the usual e/h of lead-argon (1.6) and iron-tile (1.36).
INVISIBLE = 0.32
# Our choice: a neutral pion of the first interaction gives two photons, and about two such pions share its energy.
PHOTONS_OF_FIRST_INTERACTION = 4
# Our choice: transverse momentum of a group of secondaries, and the largest angle it is turned by.
TRANSVERSE_MEV, MAX_ANGLE = 350.0, 0.5
# Our choice: half-energy radii of the hadronic part in interaction lengths, for 95 % within one interaction length.
HADRON_CORE_LAMBDA, HADRON_TAIL_LAMBDA = 0.08, 0.30
HADRON_CORE_WEIGHT = 0.5
# Our choice: late neutral pions start all over the hadronic core and stay narrower than it.
LATE_EM_LAMBDA = 0.05
# Energy of a group of particles with the same direction; our choice.
CLUMP_MEV = 1000.0
# Our choice: spread of ln(shape) and ln(decay) from shower to shower.
SHAPE_SPREAD = 0.25
# Width of a single track with its knock-on electrons, mm; our choice.
TRACK_MM = 3.0


@dataclass(frozen=True, eq=False)
class PionEnergies:
    """How the kinetic energy of n pions is shared out, each of shape (n,), MeV; the sum is the kinetic energy.

    ``depth_lambda`` is the depth of the interaction.  A pion that stops before gives all its energy to ``ionisation``;
    one that would interact behind the calorimeter has its other energies there too.
    """

    depth_lambda: np.ndarray
    ionisation: np.ndarray
    em_first: np.ndarray
    em_late: np.ndarray
    hadronic: np.ndarray
    invisible: np.ndarray


def draw_energies(kinetic_mev: np.ndarray, stack: Stack, rng: np.random.Generator) -> PionEnergies:
    """Draw the first interaction of pions of kinetic energy ``kinetic_mev``, shape (n,), and what comes of it."""
    n = len(kinetic_mev)
    depth = rng.standard_exponential(n)
    # beyond the stack the loss stays that at its end: such a pion leaves as a minimum-ionising particle
    ionisation = np.minimum(np.interp(depth, stack.edges_lambda, stack.ionisation_mev), kinetic_mev)
    left = kinetic_mev - ionisation
    em = left * _beta(_mean_em_fraction(left), 3 + 2 * np.log1p(left / 1e3), rng)
    em_first = em * rng.beta(2, 2, n)
    nuclear = left - em
    invisible = nuclear * _beta(np.full(n, INVISIBLE), 1 + 4 * nuclear / 1e3, rng)
    return PionEnergies(depth, ionisation, em_first, em - em_first, nuclear - invisible, invisible)


def _mean_em_fraction(energy_mev: np.ndarray) -> np.ndarray:
    ratio = np.maximum(energy_mev, EM_SCALE_MEV) / EM_SCALE_MEV
    return np.maximum(1 - ratio**EM_EXPONENT, MIN_EM_FRACTION)


def _beta(mean: np.ndarray, concentration: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Beta variates of variance mean (1 - mean) / (1 + concentration)."""
    return rng.beta(mean * concentration, (1 - mean) * concentration)


def pion_components(
    momentum_mev: np.ndarray, kinetic_mev: np.ndarray, stack: Stack, rng: np.random.Generator
) -> tuple[list[Component], list[Component]]:
    """Showers of charged pions along the axis.

    Parameters
    ----------
    momentum_mev, kinetic_mev : ndarray, shape (n,)

    Returns
    -------
    list of Component, list of Component
        The electromagnetic parts, and the track and hadronic parts.
    """
    energies = draw_energies(kinetic_mev, stack, rng)
    late_slices, depth_lambda = _hadronic_slices(energies, stack, rng)
    first = _first_em(energies, stack, rng)
    late = Component(
        energies.em_late[:, None] * late_slices,
        np.broadcast_to(LATE_EM_LAMBDA * stack.lambda_mm, late_slices.shape),
    )
    em = [*first, _with_clumps(late, stack, rng)]
    # a hadronic shower widens with depth
    growth = 0.5 + 0.5 * np.minimum(depth_lambda, 4.0)
    hadronic_mev = energies.hadronic[:, None] * late_slices
    parts = ((HADRON_CORE_WEIGHT, HADRON_CORE_LAMBDA), (1 - HADRON_CORE_WEIGHT, HADRON_TAIL_LAMBDA))
    hadronic = [
        _with_clumps(Component(weight * hadronic_mev, radius * stack.lambda_mm * growth), stack, rng)
        for weight, radius in parts
    ]
    return em, [_track(momentum_mev, energies, stack, rng), *hadronic]


def _hadronic_slices(energies: PionEnergies, stack: Stack, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Share of the late energy in each slice, and depth of its middle behind the interaction: (n, n_slices) each."""
    after_track = energies.em_first + energies.em_late + energies.hadronic + energies.invisible
    log_e = np.log(np.maximum(after_track, 1.0) / 1e3)
    # Bock et al.; the floor keeps the shape below 1 GeV, where it was not measured
    spread = np.exp(SHAPE_SPREAD * rng.standard_normal((2, len(log_e))))
    shape = np.maximum(0.6165 + 0.3183 * log_e, 0.6165) * spread[0]
    decay = (0.9099 - 0.0237 * log_e) * spread[1]
    depth = np.maximum(stack.edges_lambda - energies.depth_lambda[:, None], 0.0)
    shares = np.diff(gammainc(shape[:, None], decay[:, None] * depth), axis=1)
    return shares, np.maximum(stack.mid_lambda - energies.depth_lambda[:, None], 0.0)


def _first_em(energies: PionEnergies, stack: Stack, rng: np.random.Generator) -> list[Component]:
    """Neutral pions of the first interaction: core and tail, turned off the axis by their transverse momentum."""
    n = len(energies.em_first)
    photon_mev = energies.em_first / PHOTONS_OF_FIRST_INTERACTION
    shape = longitudinal_shape(photon_mev, stack.shower_medium, rng)
    start_x0 = np.interp(energies.depth_lambda, stack.edges_lambda, stack.edges_x0)
    start_x0 = start_x0 + CONVERSION_X0 * rng.standard_exponential(n)
    slices, tau = electron_slices(energies.em_first, start_x0, shape, stack)
    weight, core, tail = lateral_shape(photon_mev[:, None], tau, stack.shower_medium)
    start_mm = np.interp(energies.depth_lambda, stack.edges_lambda, stack.edges_mm)
    angle = TRANSVERSE_MEV / np.maximum(energies.em_first, TRANSVERSE_MEV / MAX_ANGLE)
    arm_mm = np.maximum(stack.layer_mid_mm - start_mm[:, None], 0.0) * angle[:, None]
    centre = rng.standard_normal((2, n, 1)) * arm_mm
    return [
        Component(slices * weight, core * stack.moliere_mm, centre, moved=True),
        Component(slices * (1 - weight), tail * stack.moliere_mm, centre, moved=True),
    ]


def _track(momentum_mev: np.ndarray, energies: PionEnergies, stack: Stack, rng: np.random.Generator) -> Component:
    """The pion before it interacts or stops: minimum-ionising, off the axis by multiple scattering."""
    mev = np.diff(np.minimum(stack.ionisation_mev, energies.ionisation[:, None]), axis=1)
    # rms distance in one plane after a path z of t radiation lengths: z sqrt(t / 3) 13.6 MeV / p (Particle Data Group)
    arm_mm = stack.layer_mid_mm * np.sqrt(stack.layer_mid_x0 / 3) * 13.6 / momentum_mev[:, None]
    centre = rng.standard_normal((2, len(mev), 1)) * arm_mm
    return Component(mev, np.full(mev.shape, TRACK_MM), centre, moved=True)


def _with_clumps(component: Component, stack: Stack, rng: np.random.Generator) -> Component:
    return replace(component, centre_mm=clump_centres_mm(component, stack, CLUMP_MEV, rng))
