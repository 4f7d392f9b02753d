"""Searches: many runs of one spec, whose settings are chosen by what the runs before them gave."""
