"""The workflow that keeps the state of a job, and its client."""
