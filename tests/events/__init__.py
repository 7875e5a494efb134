"""Events: waits for them, sending them, and the workflow of a key."""
