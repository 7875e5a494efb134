"""Workflows written by hand, in the shapes that Temporal's users give them. They are read by `check`, and never run."""
