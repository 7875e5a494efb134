"""Built-in tools of the toolbox `email`."""
