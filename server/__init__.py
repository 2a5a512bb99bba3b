"""The service around the engine: runs, trade entry, exchanges, journal, HTTP and the command line."""
