"""Electromagnetic showers in a sampling calorimeter, by formulae (no TensorFlow).

The parametrisation of G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers in
homogeneous and sampling calorimeters", hep-ex/0001020, appendix: formulae for individual showers.  The energy
of one electron is spread in depth t (radiation lengths from its start) as a gamma distribution

    dE/dt = E b (b t)^(a-1) exp(-b t) / Gamma(a),    b = (a - 1) / T,

where ln T and ln a are normal and correlated from shower to shower, and at each depth over radii as two components, a
narrow core and a wide tail.  Our own additions, marked as such: photons become two electrons, dead material in front
takes energy by ionisation, and energy comes in clumps.  The formulae (fitted from 1 to 100 GeV) are kept within bounds,
and three constants are tuned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammainc, gammaincc

from calosim_tf.data_prep.lateral import Component, clump_centres_mm
from calosim_tf.data_prep.media import ALUMINIUM, Medium
from calosim_tf.data_prep.stacks import Stack

# Mean depth of the first pair of a photon above some 100 MeV, radiation lengths (Particle Data Group).
CONVERSION_X0 = 9 / 7
# Our choice: the shapes below this many critical energies are those of this energy.
MIN_ENERGY_OVER_CRITICAL = 5.0
# Of a photon's energy; keeps logarithms finite.
MIN_SHARE = 1e-6
# Cap on the spread of ln T and ln a, as in Geant4's GFLASH.
MAX_SIGMA_LOG = 0.5
# Factor on ln(E/Ec) in the depth of the maximum, tuned to the layer fractions of the EGSnrc sample; published: 1.
T_SLOPE = 1.03
# b of the least absorbed photons of lead (mass attenuation 0.042 cm2/g at 3 MeV, times X0): no tail is longer.
MIN_DECAY_PER_X0 = 0.27
# Tuned to the radial profiles of the EGSnrc sample in layers 1 and 2; published: 1, 1.
CORE_WEIGHT_SCALE, TAIL_SCALE = 0.90, 0.95
# Our choice: deeper than this the tail no longer widens, few particles are left.
MAX_TAU = 5.0
# Tuned to the spread of the centres of the EGSnrc sample in layer 2, where it is the same from 1 to 65 GeV.
CLUMP_MEV = 45.0
# Energy absorption of photons of 3 to 30 MeV in aluminium (0.018 cm2/g), per radiation length.
SOFT_PHOTON_ABSORPTION = 0.44


@dataclass(frozen=True, eq=False)
class LongitudinalShape:
    """Gamma distributions of n showers: shape a, decay b per radiation length; arrays of shape (n,).

    ``tau_per_x0`` turns a depth into the scale of the radii: depth over mean depth a / b, times mean depth over depth
    of the maximum of the average shower.
    """

    a: np.ndarray
    b_per_x0: np.ndarray
    tau_per_x0: np.ndarray


def longitudinal_shape(energy_mev: np.ndarray, medium: Medium, rng: np.random.Generator) -> LongitudinalShape:
    """Draw the longitudinal shapes of electrons of energy ``energy_mev``, shape (n,)."""
    log_y = np.log(_shape_energy_mev(energy_mev, medium) / medium.critical_energy_mev)
    per_fs = 1 / medium.sampling_frequency
    log_t = np.log(T_SLOPE * log_y - 0.812 - 0.55 * per_fs - 0.69 * (1 - medium.e_over_mip))
    log_a = np.log(0.81 + (0.458 + 2.26 / medium.z) * log_y - 0.476 * per_fs)
    sigma_t = _sigma(-2.5 + 1.25 * log_y)
    sigma_a = _sigma(-0.82 + 0.79 * log_y)
    rho = 0.784 - 0.023 * log_y
    both, apart = rng.standard_normal((2, len(log_y))) * np.sqrt(0.5 * np.stack([1 + rho, 1 - rho]))
    # floors as in GFLASH: a shower rises before it falls
    a = np.maximum(np.exp(log_a + sigma_a * (both - apart)), 1.1)
    t_max = np.exp(log_t + sigma_t * (both + apart))
    b = np.maximum((a - 1) / t_max, MIN_DECAY_PER_X0)
    return LongitudinalShape(a, b, b / a / (1 - np.exp(-log_a)))


def _shape_energy_mev(energy_mev: np.ndarray, medium: Medium) -> np.ndarray:
    return np.maximum(energy_mev, MIN_ENERGY_OVER_CRITICAL * medium.critical_energy_mev)


def _sigma(inverse: np.ndarray) -> np.ndarray:
    return 1 / np.maximum(inverse, 1 / MAX_SIGMA_LOG)


def lateral_shape(energy_mev: np.ndarray, tau: np.ndarray, medium: Medium) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight of the core, radius of the core and of the tail in Moliere radii.

    Parameters
    ----------
    energy_mev : ndarray, shape (n, 1)
    tau : ndarray, shape (n, n_slices)
        Depth over the depth of the shower maximum.
    medium : Medium

    Returns
    -------
    three ndarrays, shape (n, n_slices)
    """
    log_e = np.log(_shape_energy_mev(energy_mev, medium) / 1e3)
    tau = np.minimum(tau, MAX_TAU)
    z, per_fs, missing = medium.z, 1 / medium.sampling_frequency, 1 - medium.e_over_mip
    fading = np.exp(-tau)
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z) * tau - 0.0203 * missing + 0.0397 * per_fs * fading
    tail = (0.659 - 0.00309 * z) * (np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0421 * log_e) * (tau - 0.645)))
    tail += -0.14 * missing - 0.495 * per_fs * fading
    x = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_e)
    weight = (2.632 - 0.00094 * z) * np.exp(x - np.exp(x))
    weight += missing * (0.348 - 0.642 * per_fs * np.exp(-((tau - 1) ** 2)))
    return CORE_WEIGHT_SCALE * np.clip(weight, 0.0, 1.0), core, TAIL_SCALE * tail


def electron_slices(
    energy_mev: np.ndarray,
    start_x0: np.ndarray,
    shape: LongitudinalShape,
    stack: Stack,
    stretch: np.ndarray | float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Energy that n electrons leave in each slice, and the depth tau of its middle: two arrays (n, n_slices).

    Parameters
    ----------
    energy_mev, start_x0 : ndarray, shape (n,)
        Energy of the electron, and path through the stack after which its shower starts.
    stretch : ndarray, shape (n,), or float
        Path per depth, 1 / cos of the angle of incidence.
    """
    stretch = np.reshape(stretch, (-1, 1))
    depth = np.maximum(stack.edges_x0 * stretch - start_x0[:, None], 0.0)
    reached = gammainc(shape.a[:, None], shape.b_per_x0[:, None] * depth)
    tau = np.maximum(stack.mid_x0 * stretch - start_x0[:, None], 0.0) * shape.tau_per_x0[:, None]
    return energy_mev[:, None] * np.diff(reached, axis=1), tau


def front_loss_mev(energy_mev: np.ndarray, path_x0: np.ndarray) -> np.ndarray:
    """Energy that electrons, and the first pairs of their photons, leave in dead aluminium: shape (n,), MeV.

    Our own estimate, because light material takes much more of an early shower than the gamma distribution of a heavy
    one predicts.  An electron emits about ln(1 + E/Ec) photons above the critical energy Ec per radiation length, each
    of which makes a pair with probability 7/9 per radiation length.  So the tracks behind a path s are 1 + 7/9 s^2 ln(1
    + E/Ec), and each loses Ec per radiation length.  Photons below Ec carry Ec per radiation length too, and are
    absorbed at the rate of ``SOFT_PHOTON_ABSORPTION``.

    Parameters
    ----------
    energy_mev, path_x0 : ndarray, shape (n,)
        Energy of the electron and its path through the aluminium in radiation lengths.
    """
    critical = ALUMINIUM.critical_energy_mev
    pairs_x0 = path_x0**3 / (3 * CONVERSION_X0) * np.log1p(energy_mev / critical)
    soft_photons_x0 = 0.5 * SOFT_PHOTON_ABSORPTION * path_x0**2
    tracks_x0 = path_x0 + pairs_x0 + soft_photons_x0
    # never more than there is
    return -energy_mev * np.expm1(-critical * tracks_x0 / energy_mev)


def pair_fraction(n: int, rng: np.random.Generator) -> np.ndarray:
    """Share of a photon's energy that one of the pair takes, density 9/7 (1 - 4/3 z (1 - z)): shape (n,).

    High-energy limit of pair production (Particle Data Group, passage of particles through matter): 6/7 of it is flat,
    1/7 grows as (2 z - 1)^2.
    """
    z = rng.random(n)
    to_the_ends = rng.random(n) < 1 / 7
    share = np.where(to_the_ends, 0.5 * (1 + np.cbrt(2 * z - 1)), z)
    return np.clip(share, MIN_SHARE, 1 - MIN_SHARE)


def photon_components(
    energy_mev: np.ndarray,
    stack: Stack,
    rng: np.random.Generator,
    stretch: np.ndarray | float = 1.0,
    start_x0: float = 0.0,
) -> list[Component]:
    """Showers of photons along their axes: a first pair after an exponential path, then two electrons.

    Parameters
    ----------
    energy_mev : ndarray, shape (n,)
    stretch : ndarray, shape (n,), or float
        Path per depth, 1 / cos of the angle of incidence.
    start_x0 : float
        Path after which they begin to convert.
    """
    conversion_x0 = start_x0 + CONVERSION_X0 * rng.standard_exponential(len(energy_mev))
    share = pair_fraction(len(energy_mev), rng)
    components = []
    for electron_mev in (share * energy_mev, (1 - share) * energy_mev):
        components += electron_components(electron_mev, conversion_x0, stack, rng, stretch)
    return components


def electron_components(
    energy_mev: np.ndarray,
    start_x0: np.ndarray,
    stack: Stack,
    rng: np.random.Generator,
    stretch: np.ndarray | float = 1.0,
) -> list[Component]:
    """Core and tail of electrons whose showers start after the path ``start_x0``; arguments of shape (n,).

    An electron that comes from outside starts at once, at 0: it radiates and ionises from the first plate on, there is
    no depth of conversion to draw.  ``stretch`` is the path per depth, 1 / cos of the angle of incidence.
    """
    medium = stack.shower_medium
    shape = longitudinal_shape(energy_mev, medium, rng)
    energy, tau = electron_slices(energy_mev, start_x0, shape, stack, stretch)
    # behind the dead front the shower continues with the remaining energy
    front_x0 = np.maximum(stack.front_x0 * stretch - start_x0, 0.0)
    behind = gammaincc(shape.a, shape.b_per_x0 * front_x0)
    left_mev = energy_mev - front_loss_mev(energy_mev, front_x0)
    energy *= (left_mev / energy_mev / np.maximum(behind, 1e-12))[:, None]
    weight, core, tail = lateral_shape(energy_mev[:, None], tau, medium)
    parts = (
        Component(energy * weight, core * stack.moliere_mm),
        Component(energy * (1 - weight), tail * stack.moliere_mm),
    )
    return [replace(part, centre_mm=clump_centres_mm(part, stack, CLUMP_MEV, rng)) for part in parts]
