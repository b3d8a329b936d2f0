"""Tries a running system from outside, as a client does: `gatepost smoke`.

talking speaks the wire protocol, steps say what is tried in which order, command prints it.
"""
