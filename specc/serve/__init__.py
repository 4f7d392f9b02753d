"""A trained network behind HTTP: pictures in, JSON out."""
