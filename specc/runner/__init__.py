"""Training: from a checked spec, a recipe and a data set to weights in a run folder."""
