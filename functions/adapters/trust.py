"""Whose certificates are believed: the same as botocore's clients believe, without importing it."""

import importlib.util
import ssl
from functools import cache
from pathlib import Path


def trusting(bundle: str | None) -> ssl.SSLContext:
    """Verify by the roots in a file (AWS_CA_BUNDLE), else by those that botocore comes with.

    Reading them takes 20 ms, so it is done once; the system's own roots are the last resort.
    """
    return _context(bundle or _botocores_roots())


@cache
def _context(roots: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=roots)


def _botocores_roots() -> str | None:
    found = importlib.util.find_spec("botocore")
    folders = found.submodule_search_locations if found else None
    roots = [Path(folder, "cacert.pem") for folder in folders or ()]
    return next((str(path) for path in roots if path.is_file()), None)
