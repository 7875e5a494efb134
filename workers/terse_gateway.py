"""The gateway as a process: `python workers/terse_gateway.py samples`, the same as `terse-temporal gateway samples`."""

import sys

from terse_temporal.cli.entry import command

if __name__ == "__main__":
    sys.argv.insert(1, "gateway")
    command()
