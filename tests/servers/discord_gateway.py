"""The gateway: what a client may ask of it, and what it can be made to do wrong.

After Discord's pages "Gateway" and "Opcodes and Status Codes".
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web
from servers import discord_payloads as payloads
from servers.discord_sessions import Closing, Connection, Session, parsed
from servers.discord_world import Guild, Json, World

GUILDS, MEMBERS, PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, DIRECT_MESSAGES = 1 << 9, 1 << 12
GUILD_REACTIONS, DIRECT_REACTIONS = 1 << 10, 1 << 13
MESSAGE_CONTENT = 1 << 15
KNOWN_INTENTS = (1 << 17) - 1 | 3 << 20 | 3 << 24
"""The bits of Discord's list of intents."""

PATIENCE = 0.5
"""Seconds to wait for a client to answer that its connection is closed."""

CHUNK = 1000
"""Members in one GUILD_MEMBERS_CHUNK."""


@dataclass
class Gateway:
    """Sessions, and what can be made to go wrong with them.

    `acks`: heartbeats are answered. `readies`: IDENTIFY is answered. `twice`: each dispatch is
    told twice, under two numbers. `refusals`: so many IDENTIFYs and RESUMEs get op 9 instead.
    `upgrade_errors`: so many connections get HTTP 503. `identify_close`: the code that IDENTIFY
    gets instead of an answer. `heartbeat_interval` is in seconds.
    """

    world: World
    url: str = ""
    heartbeat_interval: float = 41.25
    acks: bool = True
    readies: bool = True
    twice: bool = False
    refusals: int = 0
    upgrade_errors: int = 0
    identify_close: int | None = None
    heartbeats: int = 0
    identifies: list[Json] = field(default_factory=list)
    resumes: list[Json] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)

    @property
    def connected(self) -> list[Session]:
        """The sessions whose client is there."""
        return [session for session in self.sessions.values() if session.connected]

    def dispatch(
        self, event: str, guild: Guild | None, intent: int, tell: Callable[[Session], Json]
    ) -> None:
        """Tell every session concerned; `intent` is the bit that it needs, 0 for none."""
        for session in self.sessions.values():
            if session.hears_of(guild) and session.intents & intent == intent:
                for _ in range(2 if self.twice else 1):
                    session.tell(event, tell(session))
        self.world.changed()

    async def flushed(self) -> None:
        """Return when all that was dispatched has left."""
        for connection in list(self.connections):
            await connection.flushed()

    async def disconnect(self, code: int | None = None, *, forget: bool = False) -> None:
        """Close every connection with a code, or cut it; `forget`: its session is lost too."""
        await self.flushed()
        if forget:
            self.sessions.clear()
        for connection in list(self.connections):
            if code is None:
                connection.transport.abort()
            else:
                await connection.close(code)

    def ask_to_reconnect(self) -> None:
        """Send op 7 to every connection."""
        for connection in self.connections:
            connection.send(7)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Send op 9 to every connection; what is not resumable is forgotten."""
        if not resumable:
            self.sessions.clear()
        for connection in self.connections:
            connection.send(9, resumable)

    def send_raw(self, frame: str) -> None:
        """Send a frame as it is, which may be no JSON, to every connection."""
        for connection in self.connections:
            connection.send_raw(frame)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        if self.upgrade_errors:
            self.upgrade_errors -= 1
            return web.Response(status=503, text="upstream connect error")
        socket = web.WebSocketResponse(max_msg_size=0, timeout=PATIENCE)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        connection = Connection(socket, request.transport)
        self.connections.append(connection)
        writer = asyncio.create_task(connection.write())
        try:
            await self._serve(connection, request.query.get("v", ""))
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            self._ended(connection)
        return socket

    async def _serve(self, connection: Connection, version: str) -> None:
        try:
            if version != "10":
                raise Closing(4012, "Invalid API version")
            connection.send(10, {"heartbeat_interval": int(self.heartbeat_interval * 1000)})
            async for frame in connection.socket:
                self._receive(connection, parsed(frame.type, frame.data))
        except Closing as end:
            await connection.close(end.code, end.reason)

    def _ended(self, connection: Connection) -> None:
        self.connections.remove(connection)
        session = connection.session
        if session and session.connection is connection:
            session.connection = None
            if not connection.ours and connection.socket.close_code in (1000, 1001):
                self.sessions.pop(session.id, None)
        self.world.changed()

    def _receive(self, connection: Connection, frame: Json) -> None:
        op, data = frame.get("op"), frame.get("d")
        if op == 1:
            self.heartbeats += 1
            if self.acks:
                connection.send(11)
        elif op == 2:
            self._identify(connection, data or {})
        elif op == 6:
            self._resume(connection, data or {})
        elif op not in (3, 4, 8):
            raise Closing(4001, "Unknown opcode.")
        elif connection.session is None:
            raise Closing(4003, "Not authenticated.")
        elif op == 8:
            self._chunk(connection.session, data or {})
        self.world.changed()

    def _identify(self, connection: Connection, data: Json) -> None:
        if connection.session:
            raise Closing(4005, "Already authenticated.")
        self.identifies.append(data | {"at": self.world.now()})
        self._authenticate(data)
        if self.identify_close:
            raise Closing(self.identify_close, "on demand")
        if not self.readies:
            return
        if self._refused(connection):
            return
        shard = tuple(data["shard"]) if "shard" in data else None
        session = Session(secrets.token_hex(16), data["intents"], shard, connection)
        self.sessions[session.id] = connection.session = session
        self._greet(session)

    def _authenticate(self, data: Json) -> None:
        if data.get("token", "").removeprefix("Bot ") != self.world.token:
            raise Closing(4004, "Authentication failed.")
        intents, shard = data.get("intents"), data.get("shard", [0, 1])
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS or "properties" not in data:
            raise Closing(4013, "Invalid intent(s).")
        if intents & self.world.disallowed_intents:
            raise Closing(4014, "Disallowed intent(s).")
        if not 0 <= shard[0] < shard[1]:
            raise Closing(4010, "Invalid shard.")

    def _refused(self, connection: Connection) -> bool:
        if self.refusals:
            self.refusals -= 1
            connection.send(9, False)
            return True
        return False

    def _greet(self, session: Session) -> None:
        guilds = [home for home in self.world.guilds.values() if session.hears_of(home)]
        ready: Json = {
            "v": 10,
            "user": payloads.me(self.world.bot),
            "guilds": [{"id": home.id, "unavailable": True} for home in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "private_channels": [],
            "application": {"id": self.world.bot.id, "flags": 0},
        }
        session.tell("READY", ready | ({"shard": session.shard} if session.shard else {}))
        if session.intents & GUILDS:
            for home in guilds:
                session.tell("GUILD_CREATE", self.seen(home, session))

    def seen(self, guild: Guild, session: Session) -> Json:
        """Return a guild as a session sees it: without the intents, the bot is alone in it."""
        everybody = session.intents & MEMBERS and session.intents & PRESENCES
        bot = [self.world.bot]
        return payloads.guild(guild, list(guild.members.values()) if everybody else bot)

    def _resume(self, connection: Connection, data: Json) -> None:
        self.resumes.append(data | {"at": self.world.now()})
        if data.get("token", "").removeprefix("Bot ") != self.world.token:
            raise Closing(4004, "Authentication failed.")
        session, number = self.sessions.get(data.get("session_id", "")), data.get("seq")
        if session is None or number is None:
            connection.send(9, False)
            return
        if self._refused(connection):
            return
        if number > len(session.frames):
            raise Closing(4007, "Invalid seq.")
        if session.connection:
            session.connection.transport.abort()
        session.connection, connection.session = connection, session
        for frame in session.frames[number:]:
            connection.send_raw(frame)
        session.tell("RESUMED", {})

    def _chunk(self, session: Session, asked: Json) -> None:
        guild = self.world.guilds.get(str(asked.get("guild_id")))
        if guild is None:
            return
        ids = asked.get("user_ids")
        if ids is None and not asked.get("query") and not session.intents & MEMBERS:
            raise Closing(4014, "Disallowed intent(s).")
        wanted = list(guild.members.values())
        if ids is not None:
            ids = [str(number) for number in (ids if isinstance(ids, list) else [ids])]
            wanted = [person for person in wanted if person.id in ids]
        elif asked.get("query"):
            wanted = [
                person
                for person in wanted
                if person.name.lower().startswith(asked["query"].lower())
            ]
        wanted = wanted[: asked.get("limit") or None]
        parts = [wanted[at : at + CHUNK] for at in range(0, len(wanted), CHUNK)] or [[]]
        for index, part in enumerate(parts):
            told: Json = {
                "guild_id": guild.id,
                "members": [payloads.member(person) for person in part],
                "chunk_index": index,
                "chunk_count": len(parts),
                "not_found": [number for number in ids or () if number not in guild.members],
            }
            nonce = {"nonce": asked["nonce"]} if "nonce" in asked else {}
            session.tell("GUILD_MEMBERS_CHUNK", told | nonce)
