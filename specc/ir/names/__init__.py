"""Names and arguments: every word gets its meaning, every argument its field."""
