"""Jobs to read, copy and deploy; `tests/` shows how each is tested."""
