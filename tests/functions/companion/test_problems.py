"""Each error of the protocol has its status."""

import pytest

from functions.companion.problems import STATUSES, of_error
from functions.core.errors import ERRORS, ErrorKind, ProtocolError


def test_every_error_has_a_status() -> None:
    """In the order of the table."""
    assert tuple(STATUSES) == ERRORS


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.name)
def test_only_what_is_temporary_says_when_to_try_again(kind: ErrorKind) -> None:
    """`Retry-After` in seconds."""
    response = of_error(ProtocolError(kind, "why"))
    assert response.status_code == STATUSES[kind]
    assert ("retry-after" in response.headers) == kind.temporary
    assert response.headers["content-type"] == "application/problem+json"
