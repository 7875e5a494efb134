"""Tools that come with the package, one module for each toolbox.

A module is loaded when its toolbox is first named, perhaps while a handler runs, so it imports no library of an extra;
the tools do, when they run.
"""
