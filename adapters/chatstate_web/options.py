"""What can be set of the page."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from msgspec import Meta, Struct

from chatstate.adapter.http import split_address

LISTEN = "127.0.0.1:8000"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

Size = Annotated[int, Meta(ge=1)]


class WebOptions(Struct, frozen=True, kw_only=True):
    """What can be set: each as an option, or in the environment.

    Raises `ValueError` for a page that everybody could open: one that is not on this machine alone,
    and asks for nothing.
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
    rate: Annotated[
        int, Meta(description="How many things an address may do within a minute.", ge=1)
    ] = 120

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach it by its own listener."""
        return self.listen is None or split_address(self.listen)[0] in _LOOPBACK

    @property
    def is_own(self) -> bool:
        """Whether whoever opens it has started the bot, as far as one can tell: nobody else can."""
        is_served = self.listen is not None and self.is_local
        return is_served and not (self.web_auth or self.hosts or self.proxies)

    def allows(self, host: str) -> bool:
        """Tell whether a browser may know the page by a host's name.

        An address is no name: nobody can let it lead elsewhere.
        """
        if host in _LOOPBACK or host in self.hosts:
            return True
        return not self.is_local and _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
