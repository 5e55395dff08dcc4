"""Parametrised jet images: one hard prong with soft radiation, or two prongs (no TensorFlow).

No parton shower and no detector: a stand-in for the public LAGAN data, so that every part of the package can be tried.
Class 1 ("signal") decays into two prongs that share the momentum; class 0 ("QCD") is a prong with a few soft ones
around it, most of the radiation within reach of the jet.  Images are centred on the leading prong, turned so that the
second one is below it, and mirrored so that the right half holds more, as the public ones are.  All numbers are our
choice but the window of mass and transverse momentum, which is that of the public file.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calosim_tf.geometry.jet_pixels import PIXEL, SIDE, mass_and_pt

PT_GEV = (250.0, 300.0)
MASS_GEV = (60.0, 100.0)
W_MASS_GEV, W_WIDTH_GEV = 80.4, 7.0  # of the image, pixels and lost radiation included
PRONG_PARTICLES = 40
PRONG_SIZE = 0.08  # scale of the exponential fall-off of a prong, in eta and phi
WIDTH_MASS_GEV = 42.0  # what the width of the prongs adds to a mass, in quadrature: measured
SOFT_PRONGS, SOFT_PARTICLES = 4, 10
NOISE_PARTICLES, NOISE_SHARE = 30, 0.01  # spread over the whole image
PIXEL_FLOOR_GEV = 1e-3

# (weights (n, k), eta, phi of particles, each (n, k)) of jets with these masses and transverse momenta, GeV
Prongs = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]


def jet_images_mev(_incident_mev: np.ndarray, attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Jets of the classes ``attributes``, shape (n, 1): images of shape (n, 625), MeV of transverse momentum."""
    images = np.empty((len(attributes), SIDE * SIDE))
    for label, prongs in ((0, one_prong), (1, two_prongs)):
        rows = np.flatnonzero(attributes[:, 0] == label)
        while len(rows):
            made = _images_gev(len(rows), prongs, rng)
            mass, _ = mass_and_pt(made)
            inside = (mass > MASS_GEV[0]) & (mass < MASS_GEV[1])
            images[rows[inside]] = made[inside]
            rows = rows[~inside]
    return 1e3 * images


def two_prongs(mass: np.ndarray, pt: np.ndarray, rng: np.random.Generator):
    """A decay: the softer prong has 15 to 50 %, as far away as the mass of a W boson asks for."""
    n = len(mass)
    mass = rng.normal(W_MASS_GEV, W_WIDTH_GEV, n)
    share = rng.uniform(0.15, 0.5, n)
    apart = _without_width(mass) / (pt * np.sqrt(share * (1 - share)))
    parts = [
        _prong(1 - share, np.zeros(n), np.zeros(n), PRONG_PARTICLES, rng),
        _prong(share, np.zeros(n), -apart, PRONG_PARTICLES, rng),
    ]
    return _joined([*parts, _noise(n, rng)])


def one_prong(mass: np.ndarray, pt: np.ndarray, rng: np.random.Generator):
    """Soft prongs that carry what the mass asks for, in any direction, the hardest one below."""
    n = len(mass)
    shares = np.sort(rng.dirichlet(np.full(SOFT_PRONGS, 0.7), n), axis=1)[:, ::-1]
    # far ones are rarer; the hardest one is turned to below
    distances = rng.uniform(0.25, 1.15, (n, SOFT_PRONGS)) ** 1.2
    angles = rng.uniform(-np.pi, np.pi, (n, SOFT_PRONGS))
    angles[:, 0] = -np.pi / 2
    # m^2 = pt^2 * f (1 - f) * mean dR^2 to first order in the share f of all soft prongs
    squared = (_without_width(mass) / pt) ** 2 / (shares * distances**2).sum(axis=1)
    soft = 0.5 - np.sqrt(np.maximum(0.25 - squared, 0.0))
    parts = [_prong(1 - soft, np.zeros(n), np.zeros(n), PRONG_PARTICLES, rng)]
    for index in range(SOFT_PRONGS):
        eta, phi = (distances[:, index] * f(angles[:, index]) for f in (np.cos, np.sin))
        parts.append(_prong(soft * shares[:, index], eta, phi, SOFT_PARTICLES, rng))
    return _joined([*parts, _noise(n, rng)])


def _without_width(mass: np.ndarray) -> np.ndarray:
    """Mass that the directions of the prongs are to make."""
    return np.sqrt(np.maximum(mass**2 - WIDTH_MASS_GEV**2, 0.0))


def _images_gev(n: int, prongs: Prongs, rng: np.random.Generator) -> np.ndarray:
    """Images of n jets, shape (n, 625), GeV; their transverse momentum is uniform in the window."""
    pt = rng.uniform(*PT_GEV, n)
    # falling masses, where a class does not choose its own
    mass = MASS_GEV[0] * (MASS_GEV[1] / MASS_GEV[0]) ** rng.random(n)
    images = _pixels(*prongs(mass, pt, rng))
    images *= (pt / mass_and_pt(images)[1])[:, None]
    images[images < PIXEL_FLOOR_GEV] = 0.0
    return _mirrored(images)


def _prong(share: np.ndarray, eta: np.ndarray, phi: np.ndarray, particles: int, rng: np.random.Generator):
    """Particles around a direction: exponential weights, and distances that fall off exponentially."""
    shape = (len(share), particles)
    weights = rng.exponential(size=shape)
    weights *= (share / weights.sum(axis=1))[:, None]
    # soft particles are further out; the hardest ones stay in the pixel of the axis
    hardness = weights / weights.max(axis=1, keepdims=True)
    distance = PRONG_SIZE * rng.exponential(size=shape) * (1.3 - hardness)
    angle = rng.uniform(-np.pi, np.pi, shape)
    return weights, eta[:, None] + distance * np.cos(angle), phi[:, None] + distance * np.sin(angle)


def _noise(n: int, rng: np.random.Generator):
    """Soft particles anywhere."""
    shape, end = (n, NOISE_PARTICLES), PIXEL * SIDE / 2
    weights = NOISE_SHARE / NOISE_PARTICLES * rng.exponential(size=shape)
    return weights, rng.uniform(-end, end, shape), rng.uniform(-end, end, shape)


def _joined(parts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weights, eta, phi = (np.concatenate(values, axis=1) for values in zip(*parts, strict=True))
    return weights, eta, phi


def _pixels(weights: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Sums of weights in pixels, shape (n, 625); particles outside are lost."""
    columns, rows = (np.floor(values / PIXEL + SIDE / 2).astype(np.int64) for values in (eta, -phi))
    inside = (columns >= 0) & (columns < SIDE) & (rows >= 0) & (rows < SIDE)
    image = np.broadcast_to(np.arange(len(weights))[:, None], weights.shape)
    places = ((image * SIDE + rows) * SIDE + columns)[inside]
    return np.bincount(places, weights[inside], minlength=len(weights) * SIDE**2).reshape(len(weights), -1)


def _mirrored(images: np.ndarray) -> np.ndarray:
    """Images whose right half holds at least as much as the left one, without the middle column."""
    square = images.reshape(-1, SIDE, SIDE)
    left, right = square[:, :, : SIDE // 2], square[:, :, SIDE // 2 + 1 :]
    turned = left.sum(axis=(1, 2)) > right.sum(axis=(1, 2))
    square[turned] = square[turned][:, :, ::-1]
    return square.reshape(len(images), -1)
