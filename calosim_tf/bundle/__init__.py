"""Exported generators as a folder: what is in it, written and read without TensorFlow."""
