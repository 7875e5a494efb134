"""What a run carries along when it continues as new by itself, so that it stays one run."""
