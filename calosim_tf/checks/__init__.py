"""Checks of the papers on a run or a file of showers: pictures and numbers beyond the list of metrics."""
