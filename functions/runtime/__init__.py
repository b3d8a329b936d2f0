"""The Lambda edge: events in, results out, settings, and what an environment keeps."""
