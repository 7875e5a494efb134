"""The Temporal side of the seam: everything that imports `temporalio` and runs jobs."""
