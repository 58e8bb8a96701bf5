"""An issuer of access tokens on loopback: keys of its own, metadata, tokens, and what it knows."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chatstate.adapter.http import Listener

SECRET = "hush"  # noqa: S105 - of nothing


class IssuerServer:
    """Gives out tokens for whoever has `SECRET`, in whose name they ask."""

    def __init__(self) -> None:
        self.keys: dict[str, EllipticCurvePrivateKey] = {}
        self.signing = self.add_key("first")
        self.asked_for_keys = 0
        self.is_down = False
        self.scope = "tools"
        self.active: dict[str, dict[str, Any]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
                Route("/introspect", self._introspect, methods=["POST"]),
            ]
        )
        self.url = ""

    def add_key(self, name: str) -> str:
        """Have a further key; return its name."""
        self.keys[name] = new_key(SECP256R1())
        return name

    def token(self, resource: str | list[str], subject: str = "alice", **claims: Any) -> str:
        """Return a signed token; a claim that is None is left out."""
        given = claims.pop("key", None) or self.keys[self.signing]
        headers = {"kid": claims.pop("kid", self.signing)}
        algorithm = claims.pop("algorithm", "ES256")
        key: Any = None if algorithm == "none" else given
        told = {
            "iss": self.url,
            "aud": resource,
            "sub": subject,
            "scope": self.scope,
            "exp": time.time() + 300,
            **claims,
        }
        claims = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)

    async def _metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint": f"{self.url}/token",
                "authorization_endpoint": f"{self.url}/authorize",
                "response_types_supported": ["code"],
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    async def _keys(self, _: Request) -> Response:
        self.asked_for_keys += 1
        if self.is_down:
            return Response("down", 500)
        told = [
            {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name}
            for name, key in self.keys.items()
        ]
        shared = {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"x" * 32).decode()}
        return JSONResponse({"keys": [*told, shared]})

    async def _token(self, request: Request) -> Response:
        client, secret = _basic(request)
        if secret != SECRET:
            return JSONResponse({"error": "invalid_client"}, 401)
        form = await request.form()
        token = self.token(str(form["resource"]), client)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": 300})

    async def _introspect(self, request: Request) -> Response:
        if _basic(request) != ("page", SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        form = await request.form()
        told = self.active.get(str(form["token"]), {"active": False})
        return JSONResponse(told)


def _basic(request: Request) -> tuple[str, str]:
    _, _, given = request.headers.get("authorization", "").partition(" ")
    name, _, secret = base64.b64decode(given).decode().partition(":")
    return name, secret


@contextlib.asynccontextmanager
async def issuing() -> AsyncIterator[IssuerServer]:
    """Run an issuer until the end of the block."""
    server = IssuerServer()
    listener = Listener(server.app, "127.0.0.1:0")
    server.url = f"http://127.0.0.1:{listener.port}"
    running = asyncio.create_task(listener.run())
    try:
        yield server
    finally:
        running.cancel()
        await asyncio.wait([running])
        listener.close()
