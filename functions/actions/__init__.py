"""What a client can ask for: one file per feature, listed in registry.py. Copy echo.py to begin."""
