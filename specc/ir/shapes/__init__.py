"""Shapes: from the input to the output, step by step."""
