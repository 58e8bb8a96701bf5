"""Whose an account is: what every store refuses, and in which words; what people call it.

1. An account is its platform and the platform's id: `telegram:123456`; `telegram` where it is the
   only one there; or `telegram:shop`, by the label that it is run under. An id goes before a label.
2. Who means none that there is, or several, is told of those that there are.
3. What is of no platform has an account of the framework's own, which nobody can mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.errors import StateError
from chatstate.inspection import KnownAccount

OWN = "chatstate"
"""The platform of what is of no platform: a bot's own schedules."""


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


def named(account: str, known: Sequence[KnownAccount]) -> list[KnownAccount]:
    """Return those of some accounts that are called so."""
    platform, _, name = account.partition(":")
    there = [a for a in known if a.platform == platform]
    if not name:
        return there
    by_id = [a for a in there if a.platform_id == name]
    return by_id or [a for a in there if a.label == name]


def called(known: Sequence[KnownAccount]) -> str:
    """Return what accounts are called, for people to choose from."""
    return ", ".join(_names(account) for account in known if account.platform != OWN) or "none"


def _names(account: KnownAccount) -> str:
    label = f" ({account.label})" if account.label else ""
    return f"{account.platform}:{account.platform_id}{label}"


def chosen(account: str | None, known: Sequence[KnownAccount], bot: str) -> KnownAccount:
    """Return the account that is meant: the only one if that is not said.

    Raises `StateError` if it is none of those known, or if several may be meant.
    """
    known = [there for there in known if there.platform != OWN]
    found = named(account, known) if account else known
    if len(found) == 1:
        return found[0]
    if not found:
        raise StateError(
            f"bot {bot!r} has no account {account!r}; it has had {called(known)}"
            if account
            else f"bot {bot!r} has had no account yet: run it before"
        )
    raise StateError(
        f"bot {bot!r} has several accounts: say which, as in account="
        f'"{found[0].platform}:{found[0].platform_id}"; there are {called(found)}'
    )
