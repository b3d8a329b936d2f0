"""Whose certificates are believed."""

import ssl
from pathlib import Path

import pytest
import trustme

from functions.adapters.trust import trusting


def test_botocores_roots_are_believed() -> None:
    """Its bundle is in the archive, and the same for both clients of the table."""
    names = str(trusting(None).get_ca_certs())
    assert "Amazon Root CA 1" in names


def test_a_bundle_that_is_named_is_believed_alone(tmp_path: Path) -> None:
    """The emulator names one, and so do companies that look into TLS."""
    authority = trustme.CA(organization_name="The only one")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = trusting(str(tmp_path / "ca.pem"))
    (certificate,) = context.get_ca_certs()
    assert "The only one" in str(certificate)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_bundle_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is not replaced by another in silence."""
    with pytest.raises(FileNotFoundError):
        trusting(str(tmp_path / "missing.pem"))
