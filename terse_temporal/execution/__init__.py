"""The seam between the job API and whatever runs a job, and running a call in place."""
