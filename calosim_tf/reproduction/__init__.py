"""Every number that the source documents print, ours beside it, and what the comparison means (no TensorFlow)."""

from calosim_tf.reproduction.documents import DOCUMENTS, get_document
from calosim_tf.reproduction.measurements import Measurement, committed_measurements, measurements_of
from calosim_tf.reproduction.numbers import Context, Document, PublishedNumber
from calosim_tf.reproduction.table import Row, rows_of

__all__ = [
    "DOCUMENTS",
    "Context",
    "Document",
    "Measurement",
    "PublishedNumber",
    "Row",
    "committed_measurements",
    "get_document",
    "measurements_of",
    "rows_of",
]
