"""Results of the CaloChallenge on data set 1, to compare with ours: generators of others on other showers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from typing import Any

DATA_FILE = "calochallenge_results.json"


def published_results(detector: str, metrics: Iterable[str]) -> dict[str, Any] | None:
    """Published rows of a detector, limited to the given metrics.

    Parameters
    ----------
    detector : str
        ``photon`` and ``pion`` have some.
    metrics : iterable of str
        Names as in ``metrics.json``.

    Returns
    -------
    dict or None
        ``source``, ``note`` and ``rows`` in ascending FPD; None where nothing is published.  Each row has ``name``,
        ``parameters`` (of the generator, None if unknown) and ``metrics`` (name -> ``value``, ``error``).
    """
    text = (resources.files("calosim_tf.physics.papers") / DATA_FILE).read_text(encoding="utf-8")
    document = json.loads(text)
    rows, wanted = document["detectors"].get(detector, []), set(metrics)
    kept = [
        {**row, "metrics": {name: number for name, number in row["metrics"].items() if name in wanted}} for row in rows
    ]
    if not any(row["metrics"] for row in kept):
        return None
    return {"source": document["source"], "note": document["note"], "rows": kept}
