"""Events by key: the workflow that keeps them for those who wait, and what is said to it."""
