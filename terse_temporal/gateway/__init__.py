"""The gateway: takes webhooks in, and starts the runs of jobs that they are for."""
