"""Sockets and timers around the core: bytes become inputs, commands become writes."""
