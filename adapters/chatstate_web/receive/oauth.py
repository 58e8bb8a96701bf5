"""Access tokens of an OAuth issuer: whose they are, and what they are good for.

The page is a resource server (RFC 9728): it gives out no tokens, and believes those of one issuer.

1. A token counts that is signed by a key of the issuer's (JWKS), or that the issuer says is active
   (RFC 7662), is for this address (`aud`, RFC 8707), is not over, and names a subject.
2. Signatures are those of keys that the issuer alone has: none that a shared secret makes.
3. Where keys are is told by the issuer's own metadata (RFC 8414, OpenID Connect Discovery), which
   must name that issuer. They are asked for again when a token names another one, once a minute at
   most: who sends tokens at random makes nobody ask.
4. Who cannot be asked is no reason to believe, nor to refuse: `UnreachableError`.
5. No token is in any error or log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
import jwt
import msgspec
from mcp.server.auth.provider import AccessToken

from chatstate_web.options import WebOptions

_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_NO_TOKEN = (LookupError, RecursionError, TypeError, ValueError)
"""What the library raises of what nobody meant to be a token."""
_NEEDED = ("exp", "iss", "aud", "sub")
_LEEWAY = 30.0
_KEYS_LAST, _ASK_AGAIN, _TRY_AGAIN = 3600.0, 60.0, 5.0
_SECONDS = 10.0
_LARGEST = 1 << 18
_LONGEST_SUBJECT = 200


class UnreachableError(Exception):
    """The issuer could not be asked, or has answered what is no answer."""


class Issuer:
    """Verifies the tokens of an issuer for the `resource`, as `mcp`'s `TokenVerifier` says.

    `clock` is monotonic, in seconds.
    """

    def __init__(
        self, options: WebOptions, resource: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._issuer = options.oauth_issuer
        self._resource = resource
        self._clock = clock
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._asked_at = -_KEYS_LAST
        self._asking = asyncio.Lock()
        self._client = httpx2.AsyncClient(timeout=_SECONDS)

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._client.aclose()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a token says; None if it does not count.

        Raises `UnreachableError` if the issuer has to be asked, and cannot be.
        """
        if self._options.oauth_introspection:
            claims = await self._introspected(token)
        else:
            claims = await self._signed(token)
        return _told(token, claims, self._resource) if claims else None

    async def count_keys(self) -> int:
        """Return how many keys the issuer signs with. Raises `UnreachableError`."""
        await self._ask_for_keys()
        return len(self._keys)

    # Signed tokens

    async def _signed(self, token: str) -> Mapping[str, Any] | None:
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header.get("kid"))
            if key is None or header["alg"] not in _ALGORITHMS:
                return None
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self._resource,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": list(_NEEDED)},
            )
        except (jwt.PyJWTError, *_NO_TOKEN):
            return None
        return claims

    async def _key(self, name: str | None) -> jwt.PyJWK | None:
        """Return the key of a name; of a token that names none, the only one there is."""
        async with self._asking:
            if self._is_due(name):
                await self._ask_for_keys()
            elif not self._keys:
                raise UnreachableError("its keys could not be had, a moment ago")
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(name)

    def _is_due(self, name: str | None) -> bool:
        known = name is None or name in self._keys
        wait = _TRY_AGAIN if not self._keys else _KEYS_LAST if known else _ASK_AGAIN
        return self._clock() - self._asked_at >= wait

    async def _ask_for_keys(self) -> None:
        """Ask for the keys; those that are known count on if that fails."""
        self._asked_at = self._clock()
        try:
            self._keys = _keys_in(await self._get(await self._address_of_keys()))
        except UnreachableError:
            if not self._keys:
                raise

    async def _address_of_keys(self) -> str:
        if self._options.oauth_jwks:
            return self._options.oauth_jwks
        trouble = UnreachableError("it has no metadata")
        for address in _metadata_of(self._issuer):
            try:
                told = await self._get(address)
            except UnreachableError as error:
                trouble = error
                continue
            if told.get("issuer") == self._issuer and isinstance(told.get("jwks_uri"), str):
                return str(told["jwks_uri"])
            trouble = UnreachableError(f"{address} tells of another issuer, or of no keys")
        raise trouble

    # Tokens that the issuer is asked about

    async def _introspected(self, token: str) -> Mapping[str, Any] | None:
        options = self._options
        told = await self._asked(
            "POST",
            options.oauth_introspection,
            data={"token": token, "token_type_hint": "access_token"},
            auth=(options.oauth_client, options.oauth_secret) if options.oauth_client else None,
        )
        is_good = (
            told.get("active") is True
            and told.get("iss", self._issuer) == self._issuer
            and self._resource in _several(told.get("aud"))
            and _is_now(told)
        )
        return told if is_good else None

    async def _get(self, address: str) -> Mapping[str, Any]:
        return await self._asked("GET", address)

    async def _asked(self, method: str, address: str, **more: Any) -> Mapping[str, Any]:
        try:
            async with self._client.stream(method, address, **more) as answer:
                body = b""
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > _LARGEST:
                        raise UnreachableError(f"{address} answers too much")
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{address}: {type(error).__name__}") from error
        if not answer.is_success:
            raise UnreachableError(f"{address} answers {answer.status_code}")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            raise UnreachableError(f"{address} answers what is no object") from None


def _told(token: str, claims: Mapping[str, Any], resource: str) -> AccessToken | None:
    """Return what claims say; None if they name nobody who can be told from others."""
    subject = claims.get("sub")
    if not (isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT):
        return None
    if not subject.isprintable():
        return None
    client = claims.get("client_id", claims.get("azp", ""))
    scopes = claims.get("scope", claims.get("scp", ""))
    return AccessToken(
        token=token,
        client_id=str(client),
        scopes=scopes.split() if isinstance(scopes, str) else list(map(str, _several(scopes))),
        resource=resource,
        subject=subject,
    )


def _is_now(told: Mapping[str, Any]) -> bool:
    """Tell whether a token that the issuer tells of is not over, nor to count only later."""
    ends, begins, now = told.get("exp"), told.get("nbf", 0), time.time()
    if not (isinstance(ends, int | float) and isinstance(begins, int | float)):
        return False
    return begins - _LEEWAY < now < ends + _LEEWAY


def _several(value: Any) -> Sequence[Any]:
    """Return one or several as several; nothing of what is neither."""
    if isinstance(value, str):
        return [value]
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def _keys_in(told: Mapping[str, Any]) -> Mapping[str | None, jwt.PyJWK]:
    """Return the keys that sign, by their names: those of kinds that are known."""
    found: dict[str | None, jwt.PyJWK] = {}
    for key in told.get("keys", ()):
        try:
            if key.get("use", "sig") == "sig" and key.get("kty") != "oct":
                found[key.get("kid")] = jwt.PyJWK(key)
        except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
            continue  # of a kind that this library does not know
    if not found:
        raise UnreachableError("it has no keys that sign")
    return found


def _metadata_of(issuer: str) -> tuple[str, str]:
    """Return where an issuer tells of itself: by RFC 8414, and by OpenID Connect."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )
