"""The HTTP API: what servers can ask for. One file per feature, listed in endpoints.py."""
