"""What is written to a history, and what it is read as."""
