"""The same job on this package, by hand on the SDK, on DBOS and on Restate."""
