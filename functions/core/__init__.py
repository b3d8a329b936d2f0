"""The domain: connections, channels, broadcast, the wire protocol and the two ports.

Knows no AWS, no environment variable, no socket and no clock: what it needs is passed in.
"""
