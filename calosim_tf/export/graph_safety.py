"""Checks the graph of a SavedModel before it is loaded: a graph is a program and may come from a stranger."""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from calosim_tf.errors import RunFolderError

# Operations that reach files, Python or the network.  Those that save and restore variables are in every SavedModel;
# only restoring runs, on the files of the bundle.
FORBIDDEN = frozenset(
    {
        *("ReadFile", "WriteFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2", "Save", "SaveSlices"),
        *("PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction", "GeneratorDataset", "OneShotIterator"),
        *("TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset"),
        *("FixedLengthRecordDatasetV2", "TextLineReaderV2", "TFRecordReaderV2", "FixedLengthRecordReaderV2"),
        *("CSVDataset", "CSVDatasetV2", "SqlDataset", "SaveDataset", "SaveDatasetV2", "LoadDataset", "SnapshotDataset"),
        *("SnapshotDatasetV2", "CacheDataset", "CacheDatasetV2", "DataServiceDataset", "DataServiceDatasetV2"),
        *("CreateSummaryFileWriter", "CreateSummaryDbWriter", "DebugIdentity", "DebugIdentityV2", "PrintV2"),
        *("InitializeTableFromTextFile", "InitializeTableFromTextFileV2", "RpcCall", "RpcClient", "RpcServer"),
    }
)


def require_plain_graph(path: Path) -> None:
    """Make sure that the graph of a SavedModel only computes.

    Parameters
    ----------
    path : Path
        Folder of the SavedModel.

    Raises
    ------
    RunFolderError
        It holds an operation that reaches outside of it, or cannot be read.
    """
    proto = saved_model_pb2.SavedModel()
    try:
        proto.ParseFromString((path / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise RunFolderError(f"{path}: cannot be read as a SavedModel ({error}): export the bundle again") from error
    found = set()
    for meta in proto.meta_graphs:
        graph = meta.graph_def
        found |= {node.op for node in graph.node}
        found |= {node.op for function in graph.library.function for node in function.node_def}
    if bad := sorted(found & FORBIDDEN):
        raise RunFolderError(
            f"{path}: its graph holds {', '.join(bad)}, expected a network that only computes: do not use this bundle"
        )
