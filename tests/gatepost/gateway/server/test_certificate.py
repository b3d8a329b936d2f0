"""The certificate of a run."""

import ssl

import pytest

from gatepost.gateway.server.certificate import Certificate


def shake_hands(certificate: Certificate, name: str, *, at: str = "127.0.0.1") -> str:
    """Let a client that trusts the authority come in at an address, in memory."""
    client_in, server_in = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cadata=certificate.authority_pem.decode())
    client = trusting.wrap_bio(client_in, server_in, server_hostname=name)
    server = certificate.context_for(at).wrap_bio(server_in, client_in, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version() or ""


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "gateway.test", "192.0.2.1"])
def test_it_holds_for_loopback_and_the_names_added(name: str) -> None:
    """B-027: a client that trusts the authority accepts the server under each of them."""
    certificate = Certificate()
    certificate.add_name("gateway.test")
    certificate.add_name("192.0.2.1")
    assert shake_hands(certificate, name) in {"TLSv1.2", "TLSv1.3"}


def test_it_holds_for_the_address_that_a_link_came_in_at() -> None:
    """Another device opened the page by this machine's address, and handlers post there."""
    certificate = Certificate()
    assert shake_hands(certificate, "192.0.2.7", at="192.0.2.7")
    assert shake_hands(certificate, "localhost", at="192.0.2.7")
    assert certificate.context_for("192.0.2.7") is certificate.context_for("192.0.2.7")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(certificate, "192.0.2.8", at="192.0.2.7")


def test_it_holds_for_no_other_name() -> None:
    """Trusting it is no danger elsewhere."""
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(Certificate(), "example.com")


@pytest.mark.parametrize("name", ["my_container", "", "ünï", "a b"])
def test_a_name_that_cant_be_certified_is_left_out(name: str) -> None:
    """A host named like that still starts."""
    certificate = Certificate()
    certificate.add_name(name)
    assert shake_hands(certificate, "localhost")


def test_the_authority_stays_the_same_for_a_run() -> None:
    """Workers get it before the first TLS client comes."""
    certificate = Certificate()
    assert certificate.authority_pem == certificate.authority_pem
    assert Certificate().authority_pem != certificate.authority_pem
