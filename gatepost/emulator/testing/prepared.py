"""Imports all that a gateway of a test may need, above all what makes its certificate.

The plugin imports this module once a test that uses the fixture is collected: the first such test
then waits no longer than others.
"""
# ruff: noqa: F401 - imported to have been imported

import trustme
import websockets.asyncio.client

import gatepost.emulator.testing.gateway
import gatepost.gateway.runner.in_process
import gatepost.gateway.template.reader
