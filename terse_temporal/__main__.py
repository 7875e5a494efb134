"""`python -m terse_temporal`: the same as `terse-temporal`."""

from .cli.main import main

main()
