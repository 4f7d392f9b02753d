"""What a network can be trained to do: a class in a file each."""
