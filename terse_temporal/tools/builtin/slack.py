"""Built-in tools of the toolbox `slack`."""
