"""Tools that come with the package, one module for each toolbox."""
