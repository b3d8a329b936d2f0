"""One module for each technology behind a port of functions/core."""
