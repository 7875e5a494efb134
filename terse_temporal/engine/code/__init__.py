"""The code base of a worker's jobs: which functions may run, what it mentions, what a run could leave in it."""
