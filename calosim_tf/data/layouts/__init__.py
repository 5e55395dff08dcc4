"""Readers and writers of the public file layouts."""
