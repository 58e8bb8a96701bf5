"""How people link who they are on several platforms: the commands /link and /unlink.

1. A code is shown in private on one platform, and sent in private on another. It is 60 random bits,
   holds for five minutes and for one link; how often somebody sends codes is limited.
2. First whoever has sent it confirms, having read with whom, then whoever has asked for it, in
   their own chat. Until both have, nothing has changed.
3. Of a code only a digest is stored.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec

from chatstate.bot.commands import Described
from chatstate.bot.questions import Question
from chatstate.bot.turn import Turn
from chatstate.language.sentences import say
from chatstate.messages import Chat, MessageRef
from chatstate.state.declaration import State
from chatstate.stores.links import Identity

MINUTES: Final = 5
TRIES: Final = "10/hour"
"""How often each person may ask for a code, or send one."""
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32 of them, none like another
_LENGTH = 12  # of 5 bits each


class Offer(msgspec.Struct, frozen=True):
    """Who has asked for a code, and until when it holds."""

    by: Identity
    until: float


CODES = State({}, scope="global", name="chatstate.link.codes", type=dict[str, Offer], ttl=3600)
"""The offers that wait, by the digests of their codes."""


def link_for(bot: Described) -> Callable[..., Any]:
    """Return the handler of /link."""

    async def link(
        turn: Turn, codes: Annotated[dict[str, Offer], CODES], code: str = ""
    ) -> str | None:
        now = turn.now.timestamp()
        if not code:
            return _offered(bot, turn, codes, now)
        known_by = _digest(code)
        offer = codes.get(known_by)
        if offer is None or offer.until < now:
            return _said(bot, turn, "link_unknown")
        if await turn.effects.is_linked_with(offer.by):
            return _said(bot, turn, "link_same")
        agreed = await turn.effects.ask(_sender_is_asked(bot, turn, offer.by))
        if agreed:
            agreed = await turn.effects.ask(_other_is_asked(bot, turn, offer.by))
        del codes[known_by]
        if agreed:
            await turn.effects.link(offer.by)
        await _tell(bot, turn, offer.by, "linked" if agreed else "link_declined")
        return _said(bot, turn, "linked" if agreed else "link_declined", who=offer.by.called)

    return link


def unlink_for(bot: Described) -> Callable[..., Any]:
    """Return the handler of /unlink."""

    async def unlink(turn: Turn, _rest: str = "") -> str:
        left = await turn.effects.unlink()
        if not left:
            return _said(bot, turn, "not_linked")
        for identity in left:
            await _tell(bot, turn, identity, "unlinked")
        return _said(bot, turn, "unlinked", who=", ".join(other.called for other in left))

    return unlink


def _offered(bot: Described, turn: Turn, codes: dict[str, Offer], now: float) -> str:
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    mine = turn.effects.identity()
    for known, offer in list(codes.items()):
        if offer.until < now or offer.by.person == mine.person:
            del codes[known]
    codes[_digest(code)] = Offer(mine, now + MINUTES * 60)
    shown = "-".join(code[place : place + 4] for place in range(0, _LENGTH, 4))
    return _said(bot, turn, "link_code", code=shown, minutes=MINUTES)


def _sender_is_asked(bot: Described, turn: Turn, other: Identity) -> Question:
    words = bot.sentences.of(turn.user.language)
    return _question("sender", say(words, "link_ask", who=other.called))


def _other_is_asked(bot: Described, turn: Turn, other: Identity) -> Question:
    words = bot.sentences.of(other.user.language)
    who = turn.effects.identity().called
    return _question("other", say(words, "link_ask", who=who), of=(other,))


def _question(key: str, said: str, of: tuple[Identity, ...] | None = None) -> Question:
    seconds = MINUTES * 60.0
    return Question(key, said, bool, timeout=seconds, default=False, confirms=True, of=of)


async def _tell(bot: Described, turn: Turn, other: Identity, name: str) -> None:
    """Tell somebody where they are what has become of it."""
    words = bot.sentences.of(other.user.language)
    told = say(words, name, who=turn.effects.identity().called)
    await turn.send(told, to=MessageRef("", chat=Chat(other.chat)), account=other.at)


def _said(bot: Described, turn: Turn, name: str, **blanks: Any) -> str:
    words: Mapping[str, str] = bot.sentences.of(turn.user.language)
    return say(words, name, **blanks)


def _digest(code: str) -> str:
    letters = code.upper().replace("-", "").strip()
    return hashlib.blake2b(letters.encode(), digest_size=16).hexdigest()
