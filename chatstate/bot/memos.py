"""What is kept of a dialogue between the runs of its function: a state of the framework's own."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from chatstate.bot.questions import DAY, LONGEST, Given
from chatstate.messages import Message, MessageRef
from chatstate.state.declaration import State


class Open(msgspec.Struct, frozen=True, omit_defaults=True):
    """The question that is put, and how to put it again.

    - `id` is random: buttons carry it, with the number of what they offer.
    - `said` are its replies as JSON types, without buttons; `offered` are texts by the labels of
      buttons, in their order. `is_chosen`: nothing else answers it.
    - `of` are the people who are asked, by the platform's ids, or "admins"; None is its person.
      `owner` are the conversation and the person of the dialogue then.
    - `refs` lead to its messages as it was put last, `first` to the one in which it was put first.
    """

    key: str
    id: str
    said: list[Any]
    offered: list[tuple[str, str]] = []
    is_chosen: bool = False
    timeout: float = DAY
    of: list[str] | Literal["admins"] | None = None
    owner: tuple[int, ...] = ()
    refs: list[MessageRef] = []
    first: MessageRef | None = None

    @property
    def is_answered_by_others(self) -> bool:
        """Whether what others than its person say may answer it."""
        return self.of is not None and not self.is_chosen


class Memo(msgspec.Struct, omit_defaults=True):
    """A dialogue: of which function, begun by what, and all that was answered so far.

    - `route` names the function; `message` and `text` are what it got when the dialogue began.
    - `answers` are raw, by key; `asked` is the question that waits.
    - `said`: what was sent to the conversation, by the key of the answer before it.
    - `steps` are the results of its steps; `now` and `seed` its time and its luck.
    """

    route: str = ""
    message: Message | None = None
    text: str = ""
    asked: Open | None = None
    answers: dict[str, Given] = {}
    said: dict[str, list[MessageRef]] = {}
    steps: dict[str, str] = {}
    now: float = 0.0
    seed: int = 0


class Inquiry(msgspec.Struct, frozen=True):
    """A question that others than its dialogue's person may answer in words, as a chat keeps it.

    `id`, `owner` are those of `Open`, `ref` leads to its message there. `until`: not later.
    """

    id: str
    owner: tuple[int, ...]
    ref: MessageRef
    until: float = 0.0


def _unanswered(_memo: Memo) -> None:
    """Do nothing: it goes on in its own function, see `engine.turns.answering`."""


DIALOGUES: Final = "chatstate.dialogue"
DIALOGUE = State(Memo(), name=DIALOGUES, ttl=DAY, on_expire=_unanswered)
"""Where it is kept: with each person, in each conversation."""
INQUIRIES = State([], scope="chat", name="chatstate.inquiries", ttl=LONGEST)
"""What others may answer of all dialogues: with each chat in which they were asked."""
