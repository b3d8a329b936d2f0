"""Gatepost: a local API Gateway for WebSocket back ends, and the emulator around it."""

__version__ = "0.1.0"
