"""What the fuzz tests share: examples that are the same in every run, odd values, and the check of one case."""

from __future__ import annotations

import contextlib
import copy
import warnings

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from calosim_tf.errors import CalosimError

TRIED: dict[str, int] = {}
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.sampled_from(["none", "1,2", "()"])
)
VALUE = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
)
# Where tables of HDF5 (beginning) and npz (end) are, and anywhere
PLACES = st.one_of(st.integers(0, 2500), st.integers(-600, -1), st.integers(0, 2**31))
EDITS = st.lists(st.tuples(PLACES, st.integers(0, 255)), min_size=1, max_size=12)
KEPT = st.one_of(st.just(1.0), st.floats(0.0, 1.0))


def bounded(examples):
    """The same examples in every run; time is bounded by their number, also where one fails (it is not simplified)."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def check_survives(what, *actions):
    """Run them on one case; anything but an error of ours in one line fails the test."""
    TRIED[what] = TRIED.get(what, 0) + 1
    for action in actions:
        message = ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                action()
        except CalosimError as error:
            message = str(error)
        assert message.isprintable()


@contextlib.contextmanager
def counted(count, what):
    """Note how many cases are tried inside."""
    before = dict(TRIED)
    yield
    tried = {kind: number - before.get(kind, 0) for kind, number in TRIED.items() if number > before.get(kind, 0)}
    count(what, f"{sum(tried.values())} {tried}")


def damaged_bytes(content, edits, keep):
    """The content with some bytes replaced, cut to a part of its length."""
    changed = bytearray(content)
    for place, value in edits:
        changed[place % len(changed) if place >= 0 else max(place, -len(changed))] = value
    return bytes(changed[: int(keep * len(changed))])


def damaged_tree(data, tree):
    """A copy of a JSON tree in which one value, at a place that ``data`` draws, is another one or gone."""
    changed = place = copy.deepcopy(tree)
    while True:
        inner = isinstance(place, dict | list) and len(place) > 0
        if not inner:
            return changed
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 3)):
            place = place[key]
            continue
        if data.draw(st.booleans()):
            place[key] = copy.deepcopy(data.draw(VALUE))
        else:
            del place[key]
        return changed
