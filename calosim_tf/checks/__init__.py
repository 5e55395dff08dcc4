"""Checks of the papers on a run or a file of showers: plots and numbers beyond the list of metrics."""
