"""The worker as a process: `python workers/terse_worker.py samples`, the same as the `terse-worker` command."""

from terse_temporal.cli.entry import worker

if __name__ == "__main__":
    worker()
