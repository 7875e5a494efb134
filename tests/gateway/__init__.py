"""The gateway: what it takes in, what it refuses, and what becomes of it."""
