"""What runs in an activity: steps, and jobs that are not durable."""
