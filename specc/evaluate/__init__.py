"""What a trained network does: with a whole split, with single pictures, and layer by layer."""
