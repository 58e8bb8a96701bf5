"""What references lead to when it is the turn of what is sent under them, or changes it.

1. A change waits in the line behind the send. When it comes to the change, the message has an id,
   or never will have one.
2. A change of a message that was not sent, is deleted, or whose reference has expired, has nothing
   to do and leaves the line. What it would show is noted: if the message is sent after all, since
   somebody has asked for that, it says the newest.
3. Of several edits of one message that wait, only the last is made.
4. A call by a platform's own name has the ids of the messages that it names: as they are when it is
   its turn. Where there is none, the call would do something else, and is left out.
"""

from __future__ import annotations

import logging

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Part
from chatstate.engine.outbox.calls import with_ids
from chatstate.engine.outbox.outbound import Outbound, OwedCall
from chatstate.stores.base import Outbox, Reference

log = logging.getLogger("chatstate.sender")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Part).decode


class References:
    """Tells what is to be done of replies that have references."""

    def __init__(self, store: Outbox) -> None:
        self._store = store

    async def has_something_to_do(self, reply: Outbound) -> bool:
        """Tell whether a reply is to be made; from now on it is, as it is to be made."""
        action = reply.action
        if isinstance(action, OwedCall) and not await self._names(reply, action):
            return False
        if action.changes:
            return await self._changes(reply)
        found = await self._store.reference(action.ref) if action.ref else None
        if found and found.content and action.verb != "native":
            reply.action = replace(action, part=_decode(found.content.encode()))
        return not (found and found.is_deleted)

    async def _changes(self, reply: Outbound) -> bool:
        """Tell whether there is a message to change; from now on its id is known."""
        action = reply.action
        found = await self._store.reference(action.changes)
        if found is None or found.is_deleted or _is_overtaken(reply, found):
            return False
        if found.conversation != reply.conversation:  # ids of messages are those of their chat
            log.warning("reply %s changes a message of another chat, and is left out", action.key)
            return False
        if found.message is None:
            log.info("reply %s changes what was not sent, and is left out", action.key)
            await self._note(reply)
            return False
        reply.action = replace(action, message=found.message)
        return True

    async def _names(self, reply: Outbound, call: OwedCall) -> bool:
        """Tell whether all messages are there that a call names; from now on it has their ids."""
        ids: dict[str, str] = {}
        for ref in call.names:
            found = await self._store.reference(ref)
            if found is None or found.is_deleted or found.message is None:
                log.warning(
                    "%s (%s) names a message that is not there, and is left out: it was not sent, "
                    "or is deleted, or is owed to another chat, where the call goes by to=",
                    *(call.method, call.key),
                )
                return False
            ids[ref] = found.message
        part = replace(call.part, content=with_ids(call.part.content, ids))
        reply.action = replace(call, part=part, arguments=with_ids(call.arguments, ids), names=())
        return True

    async def changed(self, reply: Outbound) -> None:
        """Note what a change has left: nothing, if it was a deletion, or the message was gone."""
        if reply.action.verb == "delete" or reply.is_gone:
            await self._store.amend(reply.action.changes, None)

    async def _note(self, reply: Outbound) -> None:
        """Note what the message should be, should it ever be sent."""
        action = reply.action
        if action.verb == "delete":
            await self._store.amend(action.changes, None)
        elif action.verb == "edit" and not action.part.files:  # these go with the row
            await self._store.amend(action.changes, _encode(action.part).decode())


def _is_overtaken(reply: Outbound, found: Reference) -> bool:
    """Tell whether a later change of the same message waits, so that an edit is in vain."""
    return reply.action.verb == "edit" and found.newest not in (None, (reply.turn, reply.part))
