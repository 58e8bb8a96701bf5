"""Whose an account is: what every store refuses, and in which words."""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.errors import StateError


def refuse_other_tenant(platform: str, platform_id: str, tenant: str, *, known: str) -> None:
    """Raise `StateError` if an account known as one tenant's is wanted as another's."""
    if known != tenant:
        raise StateError(
            f"account {platform_id} on {platform} is {_whose(known)} in this store, and not "
            f"{_whose(tenant)}: what it remembers would be given to somebody else"
        )


def refuse_other_bots(bot: str, platform: str, platform_id: str, others: Sequence[str]) -> None:
    """Raise `StateError` if an account that is new to a bot was another bot's before."""
    if others:
        raise StateError(
            f"account {platform_id} on {platform} is bot {others[0]!r} in this store, and this is "
            f"bot {bot!r}, which would find nothing of what that remembers. If it is the same bot "
            f"under a new name, say so: Interface(..., id={others[0]!r}). If it is another one, "
            "give it a store of its own: --store sqlite:///another.db"
        )


def _whose(tenant: str) -> str:
    return f"of tenant {tenant!r}" if tenant else "the bot's own"
