"""The HTTP and REST APIs of a template: what API Gateway does between a request and a function.

Nothing here opens a socket: serving.py is called by the HTTP port, and calls an Invoker.
"""
