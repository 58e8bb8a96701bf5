"""Interactions over REST: one callback within three seconds, then a webhook for 15 minutes.

After the page "Receiving and Responding".
"""

from typing import Any

from servers.discord_faults import Call
from servers.discord_messages import SENDABLE, ApiError, Messages, body_of, invalid
from servers.discord_world import (
    EPHEMERAL,
    LOADING,
    REPLY,
    SLASH,
    Interaction,
    Json,
    Message,
)

MESSAGE, THINKING, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
"""Types of callbacks; 1 answers what no person does: a ping."""

FITTING = {
    2: (MESSAGE, THINKING, MODAL),
    3: (MESSAGE, THINKING, DEFERRED_UPDATE, UPDATE, MODAL),
    4: (CHOICES,),
    5: (MESSAGE, THINKING, DEFERRED_UPDATE, UPDATE),
}
"""Which callbacks an interaction takes, by its type."""
OF_MESSAGES = (DEFERRED_UPDATE, UPDATE)
"""Those that are for what was done on a message, as it may be that a modal is of."""


class Interactions:
    """The routes under `/interactions` and `/webhooks`."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.platform = messages, messages.platform
        self.world = messages.world

    def callback(self, call: Call) -> Json | None:
        """POST /interactions/{interaction_id}/{interaction_token}/callback."""
        interaction, body = self._awaiting(call), body_of(call)
        kind, data = body["type"], body.get("data") or {}
        fits = kind in FITTING[interaction.type]
        if not fits or (kind in OF_MESSAGES and interaction.message is None):
            raise invalid("type", "INTERACTION_RESPONSE_TYPE_INVALID", "Does not fit.")
        original = self._respond(interaction, call, kind, data)
        interaction.response, interaction.callback = kind, body
        interaction.acknowledged_after = self.world.now() - interaction.arrived
        interaction.original, interaction.ephemeral = (
            original,
            bool(original and original.ephemeral),
        )
        if call.query.get("with_response", "0").lower() not in ("1", "true"):
            return None
        return self._outcome(interaction)

    def follow_up(self, call: Call) -> Json:
        """POST /webhooks/{webhook_id}/{webhook_token}.

        The first one after a deferral fills the message that shows thinking, Discord says, "for
        backwards compatibility".
        """
        interaction, body = self._open(call), body_of(call)
        original = interaction.original
        if original and original.loading and not original.deleted:
            self.messages.revise(original, call, body)
            return self.platform.told(original)
        message = self._compose(interaction, call, body)
        interaction.followups.append(self.platform.post(message))
        return self.platform.told(message)

    def fetch(self, call: Call) -> Json:
        """GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id} or @original."""
        return self.platform.told(self._message(call))

    def change(self, call: Call) -> Json:
        """PATCH the same."""
        message = self._message(call)
        self.messages.revise(message, call, body_of(call))
        return self.platform.told(message)

    def remove(self, call: Call) -> None:
        """DELETE the same."""
        self.platform.delete(self._message(call))

    def _awaiting(self, call: Call) -> Interaction:
        interaction = self.world.interactions.get(call.path["interaction_id"])
        if interaction is None or interaction.token != call.path["interaction_token"]:
            raise ApiError(404, 10062, "Unknown interaction")
        if interaction.response is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        if self.world.now() - interaction.arrived > self.world.limits.acknowledge:
            raise ApiError(404, 10062, "Unknown interaction")
        return interaction

    def _respond(
        self, interaction: Interaction, call: Call, kind: int, data: Json
    ) -> Message | None:
        """Do what a callback asks; return the message that is then the original."""
        if kind == MESSAGE:
            return self.platform.post(self._compose(interaction, call, data))
        if kind == THINKING:
            flags = LOADING | (data.get("flags") or 0) & EPHEMERAL
            thinking = Message(
                id=self.world.new_id(),
                channel=interaction.channel,
                author=self.world.bot,
                content="",
                time=self.world.now(),
                flags=flags,
                **self._shown(interaction),
            )
            return self.platform.post(thinking)
        if kind == UPDATE:
            assert interaction.message
            self.messages.revise(interaction.message, call, data)
        return None if kind == MODAL else interaction.message

    def _compose(self, interaction: Interaction, call: Call, data: Json) -> Message:
        shown = self._shown(interaction)
        settable = SENDABLE | EPHEMERAL
        return self.messages.compose(interaction.channel, call, data, settable, **shown)

    def _shown(self, interaction: Interaction) -> dict[str, Any]:
        """Return what makes a message an answer to an interaction."""
        pressed = interaction.message
        return {
            "interaction": interaction,
            "type": REPLY if pressed else SLASH,
            "reference": pressed.id if pressed else None,
        }

    def _outcome(self, interaction: Interaction) -> Json:
        original = interaction.original
        known: Json = {"id": interaction.id, "type": interaction.type}
        told: Json = {"interaction": known}
        if original:
            known["response_message_id"] = original.id
            known["response_message_loading"] = original.loading
            known["response_message_ephemeral"] = original.ephemeral
        if original and interaction.response in (MESSAGE, UPDATE):
            message = self.platform.told(original)
            told["resource"] = {"type": interaction.response, "message": message}
        return told

    def _open(self, call: Call) -> Interaction:
        """Return the interaction whose webhook this is, while it is one."""
        interaction = self.world.by_token(call.path["webhook_token"])
        if interaction is None or call.path["webhook_id"] != self.world.bot.id:
            raise ApiError(404, 10015, "Unknown Webhook")
        if self.world.now() - interaction.arrived > self.world.limits.interaction_token:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        if interaction.response is None:
            raise ApiError(404, 10015, "Unknown Webhook")
        return interaction

    def _message(self, call: Call) -> Message:
        interaction = self._open(call)
        asked = call.path.get("message_id")
        own = [interaction.original] if interaction.original else []
        wanted = own if asked is None else [*own, *interaction.followups]
        for answer in wanted:
            if asked in (None, answer.id) and not answer.deleted:
                return answer
        raise ApiError(404, 10008, "Unknown Message")
