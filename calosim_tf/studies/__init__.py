"""Studies of the metrics and of what a generator is good for, beyond judging one set of showers."""
