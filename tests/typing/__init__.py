"""Checked by mypy, and never run."""
