"""The schedules of jobs on a Temporal server, as their triggers say."""
