"""`terse-temporal gateway`."""
