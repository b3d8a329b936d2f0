"""The managed gateway reimplemented: its pure core, its server, and what invokes functions."""
