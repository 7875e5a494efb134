"""`terse-temporal schedules`: a file for each of its commands."""
