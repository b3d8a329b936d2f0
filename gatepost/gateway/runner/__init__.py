"""Invoking functions, in warm worker processes or in this process."""
