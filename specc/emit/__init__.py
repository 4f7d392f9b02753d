"""What is made out of a checked model: pictures, and code and files for other programs."""
