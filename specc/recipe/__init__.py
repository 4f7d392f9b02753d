"""What `train { }` and the options of a run say, and whether it can be."""
