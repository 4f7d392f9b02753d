"""What is told of a run while it goes on: a person at a terminal, a program, a logger."""
