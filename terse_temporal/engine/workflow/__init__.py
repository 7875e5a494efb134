"""What runs in a workflow task: the handler, its module, and everything that keeps both deterministic."""
