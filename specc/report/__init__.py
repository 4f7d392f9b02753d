"""What a run shows when it ends: one page that opens without a network; and its curves as a picture. Without torch."""
