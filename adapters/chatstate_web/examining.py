"""What `chatstate doctor` is told of a page: of its options, of its address, and of its issuer.

1. Nothing is listened to, and nobody but the issuer is asked.
2. Secrets are measured, and never shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from starlette.applications import Starlette

from chatstate import AdapterError
from chatstate.adapter import Finding, fine
from chatstate.adapter.http import Listener
from chatstate_web.options import WebOptions
from chatstate_web.receive.callers import Callers
from chatstate_web.receive.doors import Door

_LONG_ENOUGH = 12
"""Characters of a secret that cannot be tried out, at 20 tries in a minute of each address."""


async def findings(options: WebOptions, door: Door, callers: Callers) -> AsyncIterator[Finding]:
    """Yield how the page is: where it listens, who is let in, and by which names it is known."""
    yield _address(options)
    yield _entrance(options, door)
    if not options.is_local:
        yield _names(options)
        yield _way(options)
    yield _inspector(options, door)
    for finding in _tools(options, callers):
        yield finding
    if options.oauth_issuer:
        yield await _issuer(options)


def _address(options: WebOptions) -> Finding:
    if options.listen is None:
        return fine("address", "is another app's, which mounts the page")
    try:
        listener = Listener(Starlette(), options.listen)
    except AdapterError as error:
        told = f"{error}; that is fine if this bot runs now"
        return Finding("warning", "address", told, "end what listens there, or --set listen=")
    listener.close()
    return fine("address", f"{options.listen} is free")


def _entrance(options: WebOptions, door: Door) -> Finding:
    if door.asks == "name":
        return fine("entrance", "asks for a name and a password, by a function of yours")
    is_token = door.asks == "token"
    secret, name = (
        (options.page_token, "page_token") if is_token else (options.web_auth, "web_auth")
    )
    if not secret:
        return fine("entrance", "asks for a token, which is new at each start")
    if len(secret) < _LONG_ENOUGH:
        told = f"asks for {name}, which has {len(secret)} characters: it may be guessed"
        return Finding("warning", "entrance", told, f"take {_LONG_ENOUGH} characters or more")
    return fine("entrance", f"asks for {name}")


def _names(options: WebOptions) -> Finding:
    if options.hosts:
        return fine("names", f"the page is known as {', '.join(options.hosts)}")
    told = "the page is known by no name, only by addresses"
    return Finding("warning", "names", told, "name what people open: --set hosts=bot.example.org")


def _way(options: WebOptions) -> Finding:
    if options.proxies:
        return fine("way", f"what {', '.join(options.proxies)} tells of who asks is believed")
    told = "the page speaks HTTP, so passwords can be read by who is between"
    remedy = "put a proxy in front of it that speaks HTTPS, and name it: --set proxies=ADDRESS"
    return Finding("warning", "way", told, remedy)


def _inspector(options: WebOptions, door: Door) -> Finding:
    if not options.inspector:
        return fine("inspector", "is switched off")
    if door.asks == "name":
        if options.owners:
            return fine("inspector", f"is for {', '.join(options.owners)}")
        told = "is for nobody"
        return Finding("warning", "inspector", told, "name owners: --set owners=ada,bob")
    if options.is_own:
        return fine("inspector", "is for whoever opens the page on this machine")
    return fine("inspector", "is for nobody: several may know the password, or the token")


def _tools(options: WebOptions, callers: Callers) -> Iterator[Finding]:
    if callers.tokens or options.oauth_issuer:
        named = [*callers.tokens, *([options.oauth_issuer] if options.oauth_issuer else [])]
        yield fine("tools", f"are for {', '.join(named)}")
    elif options.lets_guests_in and not options.is_own:
        told = "are for everybody who reaches the page, without a token"
        yield Finding("warning", "tools", told, "name who has one in --keys, or --set guests=none")
    elif options.lets_guests_in:
        yield fine("tools", "are for programs on this machine, without a token")


async def _issuer(options: WebOptions) -> Finding:
    from chatstate_web.receive.oauth import Issuer, UnreachableError  # of the extra "mcp"

    if options.oauth_introspection:
        return fine("issuer", f"is asked about each token at {options.oauth_introspection}")
    issuer = Issuer(options, options.oauth_resource)
    try:
        count = await issuer.count_keys()
    except UnreachableError as error:
        told = f"{options.oauth_issuer} tells no keys: {error}"
        return Finding("failed", "issuer", told, "see --oauth-issuer, and whether it is reached")
    finally:
        await issuer.close()
    return fine("issuer", f"{options.oauth_issuer} signs with {count} keys")
