"""Data too large for a history: stored outside of it, by the hash of its content."""
