"""What this package costs, against the same job written by hand on the Temporal SDK."""
