"""The command lines: `terse-worker` and `terse-temporal`."""
