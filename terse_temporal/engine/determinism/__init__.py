"""A deterministic clock and randomness, and the modules that hand them out."""
