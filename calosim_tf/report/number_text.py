"""Numbers as text for tables."""

from __future__ import annotations

import math

# An error below this share of its value is rounding: digits beyond would be those of the sum, not of the showers
LEAST_SHARE = 1e-12


def plain(value: float | None) -> str:
    """Four significant digits; a dash for a number that is not defined."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"


def with_error(value: float | None, error: float | None) -> str:
    """``0.948 ± 0.089``: the error with two significant digits, the value with the same decimals where they count."""
    if value is None or not math.isfinite(value):
        return "-"
    if not error or not math.isfinite(error):
        return plain(value)
    if error < LEAST_SHARE * abs(value):
        return f"{value:.4g} ± {error:.2g}"
    decimals = 1 - math.floor(math.log10(error))
    largest = max(abs(value), error)
    if decimals <= 0 or largest >= 1e5:
        return f"{value:.4g} ± {error:.2g}"
    if largest < 1e-3:
        exponent = math.floor(math.log10(largest))
        scale = 10.0**exponent
        places = max(decimals + exponent, 0)
        return f"({value / scale:.{places}f} ± {error / scale:.{places}f})e{exponent}"
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"
