"""Tokens and key sets for tests: signed by the library itself, with keys made for the run."""

import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

SECRET = "a secret of thirty-two characters or so"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def private_key(algorithm: str, number: int = 0, *, bits: int = 2048) -> PrivateKey:
    """Make a key for RS256 or ES256, the same for the same arguments."""
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return ec.generate_private_key(ec.SECP256R1())


def published(key: PrivateKey, key_id: str | None) -> dict[str, Any]:
    """Give the public part as a JSON Web Key."""
    if isinstance(key, rsa.RSAPrivateKey):
        found = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        found = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    found.pop("key_ops", None)
    return found if key_id is None else {**found, "kid": key_id}


def key_set(*keys: dict[str, Any]) -> bytes:
    """Give the document that a JWKS URL answers with."""
    return json.dumps({"keys": keys}).encode()


def claims(**changes: object) -> dict[str, object]:
    """Give claims of `alice` who may do everything in `chat`, for an hour; None drops one."""
    found = {
        "sub": "alice",
        "exp": int(time.time()) + 3600,
        "permissions": [{"channel": "chat:*", "allow": ["subscribe", "publish"]}],
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def token(
    key: PrivateKey | str = SECRET, algorithm: str = "HS256", *, key_id: str = "", **changes: object
) -> str:
    """Sign a token with the claims of `claims`."""
    return sign(claims(**changes), key, algorithm, key_id=key_id)


def sign(
    content: dict[str, object],
    key: PrivateKey | str = SECRET,
    algorithm: str = "HS256",
    *,
    key_id: str = "",
) -> str:
    """Sign a token with exactly these claims."""
    headers = {"kid": key_id} if key_id else None
    return jwt.encode(content, key, algorithm=algorithm, headers=headers)
