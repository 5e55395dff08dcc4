"""Whether a checkpoint holds a value for every required variable.

TensorFlow reads what fits and leaves the rest as it was built, so a network may silently keep its random weights.  Here
the required objects and those of the checkpoint are walked in parallel, by the names under which TensorFlow joins them.
Objects without variables need no partner: an attribute that a layer has gained since the checkpoint was written changes
no number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def read_matched(tracked: tf.train.Checkpoint, path: str) -> None:
    """Give every variable below ``tracked``, optimiser slots included, its value of a checkpoint, which may hold more.

    Parameters
    ----------
    tracked : tf.train.Checkpoint
        Objects whose variables exist already, as those of a built network.
    path : str
        Prefix of the checkpoint's files.

    Raises
    ------
    ValueError
        A variable, named by the message, has no value there or one of another shape.
    tf.errors.OpError
        The checkpoint cannot be read.
    """
    graph = TrackableObjectGraph()
    graph.ParseFromString(tf.train.load_checkpoint(path).get_tensor(_GRAPH))
    matched = _matched(tracked, graph)
    for name, variable in variables_below(tracked):
        if id(variable) not in matched:
            raise ValueError(f"it holds no value for {name}")
    tracked.read(path).expect_partial()


def variables_below(tracked: tf.train.Checkpoint) -> Iterator[tuple[str, tf.Variable]]:
    """Variables below ``tracked`` by the shortest path of names, nearest first."""
    view = tf.train.TrackableView(tracked)
    # keeps the objects alive, so that no identity is given twice
    seen, waiting = {id(tracked): tracked}, deque([("", tracked)])
    while waiting:
        above, parent = waiting.popleft()
        children = dict(view.children(parent))
        if _has_slots(parent):
            children |= {variable.name: variable for variable in parent.weights}
        for name, child in children.items():
            if id(child) in seen:
                continue
            seen[id(child)] = child
            path = f"{above}/{name}" if above else name
            if isinstance(child, tf.Variable):
                yield path, child
            waiting.append((path, child))


def _matched(tracked: tf.train.Checkpoint, graph: TrackableObjectGraph) -> set[int]:
    """Identities of the objects for which the checkpoint holds a value."""
    view = tf.train.TrackableView(tracked)
    nodes, seen, waiting = {0: tracked}, {id(tracked)}, deque([0])
    while waiting:
        number = waiting.popleft()
        children = view.children(nodes[number])
        for child in graph.nodes[number].children:
            found = children.get(child.local_name)
            if found is not None and id(found) not in seen:
                seen.add(id(found))
                nodes[child.node_id] = found
                waiting.append(child.node_id)
    matched = {id(found) for number, found in nodes.items() if graph.nodes[number].attributes}
    for number, optimizer in nodes.items():
        for slot in graph.nodes[number].slot_variables if _has_slots(optimizer) else ():
            if (variable := nodes.get(slot.original_variable_node_id)) is not None:
                matched.add(id(optimizer.get_slot(variable, slot.slot_name)))
    return matched


def _has_slots(found: object) -> bool:
    """Whether this is an optimiser of the legacy interface, whose slots are beside the tree of objects."""
    return hasattr(found, "get_slot_names")
