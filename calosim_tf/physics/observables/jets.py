"""Observables of jet images: mass, transverse momentum, N-subjettiness (authors' code of LAGAN; no TensorFlow).

An image holds the transverse momentum I of each pixel, a massless particle at its middle.
"""

from __future__ import annotations

import numpy as np

from calosim_tf.geometry.jet_pixels import mass_and_pt, pixel_grid

# Pixels of the images that are clustered together
MOST_PIXELS = 200_000
OBSERVABLES = ("jet_mass_gev", "jet_pt_gev", "tau_21")


def jet_observables(pixels_gev: np.ndarray) -> dict[str, np.ndarray]:
    """The observables of the paper's figures, by name.

    Parameters
    ----------
    pixels_gev : ndarray, shape (n, 625)
        Transverse momenta, GeV, at least 0.

    Returns
    -------
    dict
        ``jet_mass_gev``, ``jet_pt_gev`` and ``tau_21``, each of shape (n,).
    """
    mass, pt = mass_and_pt(pixels_gev)
    return dict(zip(OBSERVABLES, (mass, pt, tau_21(pixels_gev)), strict=True))


def tau_1(pixels_gev: np.ndarray) -> np.ndarray:
    """Mean distance to the hottest pixel, weighted with I: shape (n,); 0 for empty images."""
    eta, phi = pixel_grid()
    pixels = np.asarray(pixels_gev, dtype=np.float64)
    hottest = pixels.argmax(axis=1)[:, None]
    return _mean(np.hypot(eta - eta[hottest], phi - phi[hottest]), pixels)


def tau_2(pixels_gev: np.ndarray) -> np.ndarray:
    """Mean distance to the nearer of two axes, weighted with I: shape (n,); 0 below two pixels.

    The axes are what is left of the pixels when the pair with the smallest min(I)^2 dR^2 is merged again and again: the
    sum gets the direction of the harder one.
    """
    eta, phi = pixel_grid()
    pixels = np.asarray(pixels_gev, dtype=np.float64)
    found = np.zeros(len(pixels))
    filled = (pixels > 0).sum(axis=1)
    order = np.argsort(filled, kind="stable")
    order = order[filled[order] >= 2]
    while len(order):
        # images with about as many pixels, so that little is padded
        rows = order[: max(1, MOST_PIXELS // int(filled[order[0]]))]
        rows = rows[filled[rows] <= 1.5 * filled[rows[0]]]
        order = order[len(rows) :]
        most = int(filled[rows[-1]])
        taken = np.argsort(pixels[rows] <= 0, axis=1, kind="stable")[:, :most]
        hard = np.take_along_axis(pixels[rows], taken, axis=1)
        axes = _two_axes(hard, np.stack([eta[taken], phi[taken]], axis=-1))
        distances = np.hypot(eta[:, None] - axes[:, None, :, 0], phi[:, None] - axes[:, None, :, 1])
        found[rows] = _mean(distances.min(axis=2), pixels[rows])
    return found


def tau_21(pixels_gev: np.ndarray) -> np.ndarray:
    """tau_2 / tau_1, shape (n,); 0 where tau_1 is."""
    first, second = tau_1(pixels_gev), tau_2(pixels_gev)
    return np.divide(second, first, out=np.zeros_like(first), where=first > 0)


def _mean(distances: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    total = pixels.sum(axis=1)
    return np.divide((distances * pixels).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)


def _two_axes(hard: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Directions of the two objects that are left, shape (n, 2, 2).

    Each object knows its nearest harder one, which is all that a distance with the smaller I asks for.

    Parameters
    ----------
    hard : ndarray, shape (n, k)
        Transverse momenta, at least two of them above 0 in each row; overwritten.
    places : ndarray, shape (n, k, 2)
    """
    images, alive = np.arange(len(hard)), hard > 0
    nearest, apart = np.zeros(hard.shape, dtype=np.int64), np.full(hard.shape, np.inf)
    for column in range(hard.shape[1]):
        _look_around(hard, places, alive, (images, np.full(len(images), column)), (nearest, apart))
    left = alive.sum(axis=1)
    while (left > 2).any():
        busy = images[left > 2]
        lost = np.where(alive[busy], hard[busy] ** 2 * apart[busy], np.inf).argmin(axis=1)
        kept, each = nearest[busy, lost], np.arange(len(busy))
        hard[busy, kept] += hard[busy, lost]
        alive[busy, lost] = False
        left[busy] -= 1
        # what has grown is the harder one of more pairs, and has fewer harder ones itself
        distance = np.square(places[busy] - places[busy, kept][:, None]).sum(axis=2)
        before, tied = apart[busy], (distance == apart[busy]) & (kept[:, None] < nearest[busy])
        nearer = alive[busy] & (hard[busy] <= hard[busy, kept][:, None]) & ((distance < before) | tied)
        nearer[each, kept] = False
        apart[busy] = np.where(nearer, distance, before)
        nearest[busy] = np.where(nearer, kept[:, None], nearest[busy])
        stale = alive[busy] & (nearest[busy] == lost[:, None])
        stale[each, kept] = True
        which, columns = np.nonzero(stale)
        _look_around(hard, places, alive, (busy[which], columns), (nearest, apart))
    axes = np.argsort(~alive, axis=1, kind="stable")[:, :2]
    return np.take_along_axis(places, axes[..., None], axis=1)


def _look_around(hard, places, alive, objects: tuple[np.ndarray, np.ndarray], into) -> None:
    """Nearest harder object, and the square of how far it is, of these (rows, columns)."""
    (rows, columns), (nearest, apart) = objects, into
    distance = np.square(places[rows] - places[rows, columns][:, None]).sum(axis=2)
    distance[~alive[rows] | (hard[rows] < hard[rows, columns][:, None])] = np.inf
    distance[np.arange(len(rows)), columns] = np.inf
    chosen = distance.argmin(axis=1)
    nearest[rows, columns] = chosen
    apart[rows, columns] = distance[np.arange(len(rows)), chosen]
