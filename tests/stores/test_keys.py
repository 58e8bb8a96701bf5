"""Keys, end to end: whatever ids contain, no two sessions meet."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from chatstate.messages import Chat, Event, Message, User
from chatstate.scope import Scope, key
from chatstate.stores import open_store

identifiers = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
speakers = st.tuples(identifiers, st.none() | identifiers, identifiers)
SUBJECTS: dict[Scope, Callable[[str, str | None, str], object]] = {
    "member": lambda chat, thread, user: (chat, thread, user),
    "thread": lambda chat, thread, _user: (chat, thread),
    "chat": lambda chat, _thread, _user: chat,
    "user": lambda _chat, _thread, user: user,
    "global": lambda *_: None,
}


@given(st.lists(speakers, min_size=2, max_size=8))
@settings(max_examples=60, deadline=None)
async def test_ids_with_any_characters_never_collide(given: list[tuple[str, str, str]]) -> None:
    """Two events have the same key of a scope exactly if they have the same subject."""
    store = open_store(":memory:")
    await store.open("bot")
    account = await store.account("test", "1")
    events = [
        Event(str(n), Message("", User(user), Chat(chat), thread=thread))
        for n, (chat, thread, user) in enumerate(given)
    ]
    ingested = await store.ingest(account.id, events)
    await store.end(clean=True)
    places = [found.arrival.place for found in ingested if found.arrival]
    scopes: list[Scope] = ["member", "thread", "chat", "user", "global"]
    for scope in scopes:
        keys = {key("bot", scope, "name", place) for place in places}
        assert len(keys) == len({SUBJECTS[scope](*speaker) for speaker in given})
