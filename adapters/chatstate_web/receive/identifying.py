"""Of whom a call of a tool is: told by its token, a named one or an issuer's; or a guest's.

1. Whoever has a named token is `mcp-NAME`, a subject of the issuer `mcp-SUBJECT@ISSUER`: names have
   no @, and an issuer has none, so no two are the same. What is kept is theirs on whatever
   connection, and after a restart.
2. Where somebody may have a token, who has none is refused, and told where tokens are had.
3. Else there are guests, if the options let them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from mcp.server.auth.provider import TokenVerifier
from starlette.responses import PlainTextResponse, Response

from chatstate_web.receive.callers import Caller, Callers
from chatstate_web.receive.oauth import UnreachableError


class NotIdentifiedError(Exception):
    """A call is nobody's: the answer that says so."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Identifying:
    """Tells who calls. `issuer` names whoever signs tokens for `tokens`, if somebody does.

    `metadata` is where clients are told of the issuer.
    """

    def __init__(
        self,
        callers: Callers,
        tokens: TokenVerifier | None,
        *,
        issuer: str,
        scopes: tuple[str, ...],
        metadata: str,
    ) -> None:
        self._callers = callers
        self._tokens = tokens
        self._issuer = issuer.partition("://")[2]
        self._scopes = scopes
        self._metadata = metadata

    async def who(self, headers: Mapping[str, str]) -> Caller:
        """Return whose a call is. Raises `NotIdentifiedError` if it is nobody's."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        token = given.strip() if kind.lower() == "bearer" else ""
        if not token:
            raise self._refused(HTTPStatus.UNAUTHORIZED)
        if caller := self._callers.who_has(token) or await self._subject(token):
            return caller
        raise self._refused(HTTPStatus.UNAUTHORIZED, "invalid_token")

    async def _subject(self, token: str) -> Caller | None:
        if self._tokens is None:
            return None
        try:
            told = await self._tokens.verify_token(token)
        except UnreachableError:
            answer = PlainTextResponse("the issuer cannot be asked now", 503, {"Retry-After": "5"})
            raise NotIdentifiedError(answer) from None
        if told is None or told.subject is None:
            return None
        if not set(self._scopes) <= set(told.scopes):
            raise self._refused(HTTPStatus.FORBIDDEN, "insufficient_scope")
        return Caller(f"mcp-{told.subject}@{self._issuer}", told.subject)

    def _refused(self, status: HTTPStatus, error: str = "") -> NotIdentifiedError:
        """Return what refuses a call, and says what would do (RFC 6750, RFC 9728)."""
        told = {"error": error}
        if self._tokens:
            told |= {"scope": " ".join(self._scopes), "resource_metadata": self._metadata}
        shown = ", ".join(f'{name}="{value}"' for name, value in told.items() if value)
        headers = {"WWW-Authenticate": f"Bearer {shown}".strip()}
        words = "call this with a token: Authorization: Bearer TOKEN"
        return NotIdentifiedError(PlainTextResponse(words, status, headers))
