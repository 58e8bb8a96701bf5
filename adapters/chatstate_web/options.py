"""What can be set of the page.

1. The defaults let nobody in but who has started the bot: it listens on this machine, and asks.
2. Who may be told something is worked out here, of options alone: what is `is_local`, and `is_own`.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from chatstate.adapter.http import split_address

LISTEN = "127.0.0.1:8000"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

Size = Annotated[int, Meta(ge=1)]


class WebOptions(Struct, frozen=True, kw_only=True):
    """What can be set: each as an option, or in the environment.

    Raises `ValueError` for addresses of OAuth that are none, or that others on the way could read,
    and where tokens would be for an address that nobody knows.
    """

    listen: Annotated[
        str | None,
        Meta(description="HOST:PORT of the page; elsewhere than on this machine with --web-auth."),
    ] = LISTEN
    web_auth: Annotated[
        str,
        Meta(
            description="A password for the page, or @MODULE:FUNCTION of a name and a password.",
            extra={"secret": True},
        ),
    ] = ""
    page_token: Annotated[
        str,
        Meta(
            description="What lets in who has no password; a new one at each start if none is set.",
            extra={"secret": True},
        ),
    ] = ""
    hosts: Annotated[
        tuple[str, ...],
        Meta(description="Names under which browsers know the page, besides localhost."),
    ] = ()
    proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses of proxies in front of it, who tell whom they ask for."),
    ] = ()
    file_bytes: Annotated[Size, Meta(description="The largest file that is sent.")] = 50_000_000
    received_bytes: Annotated[Size, Meta(description="The largest file that is taken.")] = (
        20_000_000
    )
    inspector: Annotated[
        bool, Meta(description="Whether owners see the bot's state and its turns beside the chat.")
    ] = True
    owners: Annotated[
        tuple[str, ...],
        Meta(description="Names of owners; without them whoever opens it on this machine."),
    ] = ()
    keys: Annotated[str, Meta(description="A TOML file of who may post events, or call tools.")] = (
        ""
    )
    oauth_issuer: Annotated[
        str, Meta(description="The URL of an issuer of tokens, whose subjects may call tools.")
    ] = ""
    oauth_resource: Annotated[
        str, Meta(description="The URL of /mcp, for which its tokens must be; else as it listens.")
    ] = ""
    oauth_scopes: Annotated[
        tuple[str, ...], Meta(description="Scopes that such a token must have.")
    ] = ()
    oauth_jwks: Annotated[
        str, Meta(description="Where the issuer's keys are; else its metadata tells.")
    ] = ""
    oauth_introspection: Annotated[
        str, Meta(description="Where the issuer is asked about each token, instead of by keys.")
    ] = ""
    oauth_client: Annotated[str, Meta(description="As whom it is asked.")] = ""
    oauth_secret: Annotated[
        str, Meta(description="The secret with which it is asked.", extra={"secret": True})
    ] = ""
    guests: Annotated[
        Literal["local", "all", "none"],
        Meta(
            description="Whose programs call tools without a token, where nobody has one: those of "
            "this machine, all, none; their state is not kept."
        ),
    ] = "local"
    rate: Annotated[
        int, Meta(description="How many things an address may do within a minute.", ge=1)
    ] = 120

    def __post_init__(self) -> None:
        for name in ("issuer", "resource", "jwks", "introspection"):
            if url := getattr(self, f"oauth_{name}"):
                _check_url(f"--oauth-{name}", url)
        if self.oauth_issuer and not self.oauth_resource and not (self.listen and self.is_local):
            raise ValueError(
                "--oauth-issuer needs --oauth-resource: the URL of /mcp as clients know it, such "
                "as https://bot.example.org/mcp"
            )

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach it by its own listener."""
        return self.listen is None or split_address(self.listen)[0] in _LOOPBACK

    @property
    def is_own(self) -> bool:
        """Whether whoever opens it has started the bot, as far as one can tell: nobody else can."""
        is_served = self.listen is not None and self.is_local
        return is_served and not (self.web_auth or self.hosts or self.proxies)

    @property
    def lets_guests_in(self) -> bool:
        """Whether who has no token may call tools, if there is none to have."""
        return self.guests == "all" or (self.guests == "local" and self.is_own)

    def allows(self, host: str) -> bool:
        """Tell whether a browser may know the page by a host's name.

        An address is no name: nobody can let it lead elsewhere.
        """
        if host in _LOOPBACK or host in self.hosts:
            return True
        return not self.is_local and _is_address(host)


def _check_url(option: str, url: str) -> None:
    """Raise `ValueError` for what is no address, or one that is not safe on the way."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or "@" in url or parts.query or parts.fragment:
        raise ValueError(f"{option} takes an https URL without a query, not {url!r}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
