"""The local cloud of a developer: gateway, table, functions, reload, pages."""
