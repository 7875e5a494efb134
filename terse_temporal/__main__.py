"""`python -m terse_temporal`: the same as `terse-temporal`."""

from .cli.entry import command

command()
