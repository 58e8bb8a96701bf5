"""From a platform's ids to the store's own; unknown ones get numbers."""

from __future__ import annotations

from chatstate.messages import Chat, Message, User
from chatstate.scope import Place
from chatstate.stores.base import Address
from chatstate.testing.memory.tables import ChatRow, ConversationRow, MemoryData, PersonRow


def place_of(data: MemoryData, account: int, message: Message) -> Place:
    """Return where a message was said and by whom, noting what the chat is called now."""
    place = conversation_of(data, account, message.chat, message.thread)
    chat, sender = data.chats[place.chat], message.sender
    person = person_of(data, account, sender) if sender.id else 0  # nobody
    if message.kind != "send":  # else nothing came from there
        chat.kind, chat.title, chat.is_blocked = message.chat.kind, message.chat.title, False
        if chat.kind == "private":
            chat.person = person or chat.person
    return place._replace(person=person)


def conversation_of(data: MemoryData, account: int, chat: Chat, thread: str | None) -> Place:
    """Return where a conversation is, with nobody who speaks there."""
    number = _chat(data, account, chat)
    return Place(account, number, _conversation(data, number, thread or ""), 0)


def person_of(data: MemoryData, account: int, user: User) -> int:
    """Return the id of a person, noting what they are called now, if that is told."""
    person = data.person_ids.get((account, user.id))
    if person is None:
        person = data.person_ids[account, user.id] = data.number("person")
        data.people[person] = PersonRow(account, user.id, user.name)
    data.people[person].name = user.name or data.people[person].name
    return person


def place_in(data: MemoryData, conversation: int, person: int) -> Place:
    """Return the place of a person in a conversation, 0 for nobody."""
    chat = data.conversations[conversation].chat
    return Place(data.chats[chat].account, chat, conversation, person)


def address_of(data: MemoryData, conversation: int) -> Address:
    """Return where a conversation is."""
    row = data.conversations[conversation]
    chat = data.chats[row.chat]
    return Address(chat.account, chat.platform_id, row.thread or None)


def user_of(data: MemoryData, person: int) -> User:
    """Return a person as the platform calls them; without an id if it is nobody."""
    row = data.people.get(person)
    return User(row.platform_id, row.name) if row else User("")


def chat_of(data: MemoryData, chat: int) -> Chat:
    """Return a chat as the platform calls it."""
    row = data.chats[chat]
    return Chat(row.platform_id, row.kind, row.title)


def _chat(data: MemoryData, account: int, chat: Chat) -> int:
    known = data.chat_ids.get((account, chat.id))
    if known is None:
        known = data.chat_ids[account, chat.id] = data.number("chat")
        data.chats[known] = ChatRow(account, chat.id, chat.kind, chat.title)
    return known


def _conversation(data: MemoryData, chat: int, thread: str) -> int:
    known = data.threads.get((chat, thread))
    if known is None:
        known = data.threads[chat, thread] = data.number("conversation")
        data.conversations[known] = ConversationRow(chat, thread)
    return known
