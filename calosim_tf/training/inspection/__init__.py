"""What is looked at beside the judged generator of a run: its critic, its attention, its training showers."""
