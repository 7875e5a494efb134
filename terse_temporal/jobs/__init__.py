"""What a handler is written with: jobs, steps, time, and the event that it gets."""
