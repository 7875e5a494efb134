"""The worker as a process: `python workers/terse_worker.py samples`, the same as the `terse-worker` command."""

from terse_temporal.cli.worker import main

if __name__ == "__main__":
    main()
