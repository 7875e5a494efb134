"""Built-in tools of the toolbox `http`."""
