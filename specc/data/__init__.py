"""Data sets: a file for each source, what is known before a sample is read, and batches on a device."""
