"""Studies of the metrics and of the uses of a generator, beyond judging one set of showers."""
