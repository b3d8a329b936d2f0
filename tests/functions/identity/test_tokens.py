"""Which tokens count, and whom they vouch for."""

import base64
import json
from collections.abc import Sequence

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from functions.core.permissions import Grant, Identity
from functions.identity.keys import Key, KeysUnavailable, read_keys
from functions.identity.settings import TokenSettings
from functions.identity.tokens import (
    LEEWAY_S,
    TOKEN_LENGTH_MAX,
    KeyUnknown,
    TokenOver,
    TokenRefused,
    Verifier,
    make_verifier,
)
from functions.runtime.settings import SettingsError
from tests.signing import SECRET, claims, key_set, private_key, published, sign, token

NOW = 1_800_000_000.0
EXP = int(NOW) + 60
BOTH = {"RS256": private_key("RS256"), "ES256": private_key("ES256")}


class FixedKeys:
    """Keys without a URL."""

    def __init__(self, keys: Sequence[Key] | None) -> None:
        self._keys = keys

    async def find(self, key_id: str | None) -> Key | None:
        """Find by id."""
        if self._keys is None:
            raise KeysUnavailable
        return next((key for key in self._keys if key.key_id == key_id), None)


def shared(**settings: str) -> Verifier:
    """Make a verifier with the secret."""
    environ = {"JWT_SECRET": SECRET, **settings}
    return make_verifier(environ, clock=lambda: NOW)


def public() -> Verifier:
    """Make a verifier with public keys, named for their algorithms."""
    document = key_set(*(published(key, name) for name, key in BOTH.items()))
    return Verifier(TokenSettings(), FixedKeys(read_keys(document)), clock=lambda: NOW)


def forged(header: dict[str, object], signature: bytes = b"", **changes: object) -> str:
    """Make a token with any header and signature."""
    parts = (json.dumps(header).encode(), json.dumps(claims(exp=EXP, **changes)).encode())
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature)
    )


async def accepts(verifier: Verifier, given: str) -> bool:
    """Say that a token is `alice`'s; raise when it is refused."""
    return (await verifier.verify(given)).user == "alice"


async def refused(verifier: Verifier, given: str) -> str:
    """Give the reason why a token is refused; no part of the token is in it."""
    with pytest.raises(TokenRefused) as raised:
        await verifier.verify(given)
    assert not raised.value.__cause__
    assert not [part for part in given.split(".") if part and part in str(raised.value)]
    return str(raised.value)


async def test_a_token_becomes_an_identity() -> None:
    """User, info, permissions and expiry."""
    info: dict[str, object] = {"name": "Älice", "team": [1, 2]}
    assert await shared().verify(token(exp=EXP, info=info)) == Identity(
        user="alice",
        info=info,
        grants=(Grant("chat:*", ("subscribe", "publish")),),
        authorized_until=EXP,
    )


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_public_keys_verify_their_own_algorithm(algorithm: str) -> None:
    """Found by the key id."""
    given = token(BOTH[algorithm], algorithm, key_id=algorithm, exp=EXP)
    assert (await public().verify(given)).user == "alice"


async def test_without_permissions_nothing_is_allowed() -> None:
    """The user is known all the same."""
    identity = await shared().verify(token(exp=EXP, permissions=None))
    assert (identity.user, identity.grants) == ("alice", ())


async def test_a_token_signed_with_a_foreign_key_is_refused() -> None:
    """A secret, and a public key under a known id."""
    said = await refused(shared(), token("another secret of thirty-two chars", exp=EXP))
    assert said == "its signature is not right for HS256"
    given = token(private_key("RS256", 1), "RS256", key_id="RS256", exp=EXP)
    assert await refused(public(), given) == "its signature is not right for RS256"


async def test_an_unknown_key_id_is_told_apart() -> None:
    """It may be known after the next fetch."""
    given = token(BOTH["RS256"], "RS256", key_id="new", exp=EXP)
    with pytest.raises(KeyUnknown):
        await public().verify(given)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
async def test_an_unsigned_token_is_refused(name: str) -> None:
    """Whatever it calls its lack of a signature, with a secret and with public keys."""
    assert "signature" in await refused(shared(), forged({"alg": name}))
    assert "signature" in await refused(public(), forged({"alg": name, "kid": "RS256"}))


async def test_a_public_key_is_no_secret() -> None:
    """RFC 8725, section 2.1: HS256 over the public key's own text."""
    pem = (
        BOTH["RS256"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    jws = jwt.PyJWS()
    unsigned = forged({"alg": "HS256", "kid": "RS256"}).rsplit(".", 1)[0]
    signature = jwt.get_algorithm_by_name("HS256").sign(unsigned.encode(), pem)
    given = f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert jws.get_unverified_header(given)["alg"] == "HS256"
    assert "signature" in await refused(public(), given)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_another_algorithm_of_the_same_secret_is_refused(algorithm: str) -> None:
    """One is pinned."""
    given = token(SECRET * 2, algorithm, exp=EXP)
    verifier = make_verifier({"JWT_SECRET": SECRET * 2}, clock=lambda: NOW)
    assert "signature" in await refused(verifier, given)


async def test_a_keys_own_algorithm_counts_and_not_the_headers() -> None:
    """RS256 asked for under the id of an ES256 key."""
    given = token(BOTH["RS256"], "RS256", key_id="ES256", exp=EXP)
    assert await refused(public(), given) == "its signature is not right for ES256"


async def test_a_token_ends_with_its_second() -> None:
    """The clocks' difference prolongs nothing."""
    assert await accepts(shared(), token(exp=int(NOW) + 1))
    for exp in (int(NOW), int(NOW) - 1, NOW + 0.9, 0):
        with pytest.raises(TokenOver, match="it is expired"):
            await shared().verify(token(exp=exp))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_the_issuers_clock_may_be_a_little_ahead(claim: str) -> None:
    """And no more."""
    assert await accepts(shared(), sign(claims(**{"exp": EXP, claim: NOW + LEEWAY_S})))
    given = sign(claims(**{"exp": EXP, claim: NOW + LEEWAY_S + 1}))
    assert "counts only later" in await refused(shared(), given)


@pytest.mark.parametrize("audience", ["chat", ["mail", "chat"]])
async def test_the_audience_must_be_among_the_tokens(audience: object) -> None:
    """One or several."""
    assert await accepts(shared(JWT_AUDIENCE="chat"), token(exp=EXP, aud=audience))


@pytest.mark.parametrize("audience", ["mail", ["mail"], [], "", None])
async def test_another_audience_is_refused(audience: object) -> None:
    """Or none."""
    given = token(exp=EXP, aud=audience)
    assert "audience" in await refused(shared(JWT_AUDIENCE="chat"), given)


@pytest.mark.parametrize("audience", ["mail", ["mail"], ["", "mail"]])
async def test_a_token_for_an_audience_needs_one_to_be_set(audience: object) -> None:
    """RFC 7519, section 4.1.3: who is not the audience must refuse; one without a name is none."""
    assert "audience" in await refused(shared(), token(exp=EXP, aud=audience))


async def test_the_issuer_must_be_the_one_that_is_set() -> None:
    """Another or none is refused."""
    verifier = shared(JWT_ISSUER="https://id.example")
    assert await accepts(verifier, token(exp=EXP, iss="https://id.example"))
    for issuer in ("https://id.example/", None):
        assert "issuer" in await refused(verifier, token(exp=EXP, iss=issuer))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 129},
        {"exp": None},
        {"exp": "1900000000"},
        {"exp": 1e300},
        {"exp": -1},
        {"nbf": "soon"},
        {"info": "text"},
        {"permissions": {"chat:*": ["publish"]}},
        {"permissions": [{"channel": "chat:*"}]},
        {"permissions": [{"channel": "", "allow": []}]},
        {"permissions": [{"channel": "chat:*", "allow": ["fly"]}]},
        {"permissions": [{"channel": "c" * 129, "allow": []}]},
    ],
)
async def test_a_claim_that_is_missing_or_wrong_is_named(changes: dict[str, object]) -> None:
    """By its name alone; what stands in it may be personal."""
    [name] = changes
    said = await refused(shared(), sign(claims(**{"exp": EXP, **changes})))
    assert said.startswith("a claim is missing or wrong: ")
    assert said.endswith((f": {name}", ": unreadable"))


async def test_info_is_bounded() -> None:
    """1 KiB as JSON."""
    assert await accepts(shared(), token(exp=EXP, info={"a": "x" * 1016}))
    assert "info" in await refused(shared(), token(exp=EXP, info={"a": "x" * 1017}))


async def test_a_user_may_have_128_characters() -> None:
    """The bound itself is fine."""
    assert (await shared().verify(token(exp=EXP, sub="ü" * 128))).user == "ü" * 128


async def test_a_token_is_bounded_before_it_is_read() -> None:
    """A good one just below, any above."""
    rest = TOKEN_LENGTH_MAX - len(token(exp=EXP, pad=""))
    good = token(exp=EXP, pad="x" * (rest * 3 // 4))
    assert TOKEN_LENGTH_MAX - 4 <= len(good) <= TOKEN_LENGTH_MAX
    assert await accepts(shared(), good)
    long = token(exp=EXP, pad="x" * rest)
    assert await refused(shared(), long) == "it is longer than 4096"


@given(st.text(max_size=40) | st.text('eyJ.-_=A9{}"', max_size=60))
async def test_no_text_breaks_verification(text: str) -> None:
    """It is refused like any other."""
    with pytest.raises(TokenRefused):
        await shared().verify(text)


@given(st.binary(max_size=60), st.dictionaries(st.text(max_size=6), st.integers() | st.text()))
async def test_no_signed_payload_breaks_verification(
    payload: bytes, header: dict[str, object]
) -> None:
    """Even an issuer's nonsense, and any header beside the algorithm."""
    header = {name: value for name, value in header.items() if name not in ("alg", "typ", "b64")}
    if "kid" in header:
        header["kid"] = str(header["kid"])  # the library signs with no other kind
    given = jwt.PyJWS().encode(payload, SECRET, algorithm="HS256", headers=header)
    with pytest.raises(TokenRefused):
        await shared().verify(given)


async def test_without_a_key_setting_no_token_counts() -> None:
    """Not even one signed with nothing."""
    verifier = make_verifier({}, clock=lambda: NOW)
    assert "neither JWT_SECRET nor" in await refused(verifier, token(exp=EXP))


async def test_keys_that_cant_be_had_are_no_fault_of_the_token() -> None:
    """The error passes through."""
    verifier = Verifier(TokenSettings(), FixedKeys(None), clock=lambda: NOW)
    with pytest.raises(KeysUnavailable):
        await verifier.verify(token(exp=EXP))


def test_a_wrong_setting_stops_the_start() -> None:
    """As settings.py says."""
    with pytest.raises(SettingsError):
        make_verifier({"JWT_SECRET": "short"}, clock=lambda: NOW)
