"""`terse-temporal runs`: a file for each of its commands, and what they share."""
