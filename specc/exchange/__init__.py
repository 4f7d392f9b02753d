"""Networks to and from other programs: what `specc export` writes, and what `specc import` reads."""
