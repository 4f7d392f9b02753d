"""Data sets: a catalogue that imports no torch, a file for each source, and what is done to the pictures."""
