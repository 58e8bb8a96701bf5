"""The application's own routes: who it is, its commands, its gateway, its private chats."""

import re
from typing import Any

from servers import discord_payloads as payloads
from servers.discord_faults import Call
from servers.discord_gateway import Gateway
from servers.discord_messages import ApiError, body_of, invalid
from servers.discord_world import Json, Person, World

NAME = re.compile(r"[-_'\w]{1,32}")
CHAT_INPUT, IN_USER_MENU, IN_MESSAGE_MENU = 1, 2, 3
SUB_COMMAND, SUB_COMMAND_GROUP = 1, 2
MOST_IN_MENU = 5
MOST_COMMANDS = 100
VALUES: dict[int, Any] = {3: str, 4: int, 5: bool, 6: Person, 10: (int, float)}
"""What the client lets be typed for an option, by its type."""
LIMITED = {1 << 8: 1 << 13, 1 << 1: 1 << 15, 1 << 15: 1 << 19}
"""For each privileged intent (presences, members, content), the flag of who may have it."""
NOTHING: dict[str, Any] = {"name_localizations": None, "description_localizations": None}


class Application:
    """Routes that are about the bot itself."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world, self.gateway = world, gateway
        self.shards = 1
        self.session_limit = 1000

    def me(self, _: Call) -> Json:
        """GET /users/@me."""
        return payloads.me(self.world.bot)

    def user(self, call: Call) -> Json:
        """GET /users/{user_id}."""
        return payloads.user(self._person(call.path["user_id"]))

    def guild(self, call: Call) -> Json:
        """GET /guilds/{guild_id}: without its channels, threads and members."""
        guild = self.world.guilds.get(call.path["guild_id"])
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        told = payloads.guild(guild, [])
        return {name: told[name] for name in told.keys() - {"channels", "threads", "members"}}

    def member(self, call: Call) -> Json:
        """GET /guilds/{guild_id}/members/{user_id}."""
        guild = self.world.guilds.get(call.path["guild_id"])
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        if call.path["user_id"] not in guild.members:
            raise ApiError(404, 10007, "Unknown Member")
        person = guild.members[call.path["user_id"]]
        roles = [guild.admin_role] if person.id in guild.admins else []
        return payloads.member(person) | {"roles": roles}

    def application(self, _: Call) -> Json:
        """GET /oauth2/applications/@me."""
        owner = Person("1", "Owner")
        return {
            "id": self.world.bot.id,
            "name": self.world.bot.name,
            "description": "",
            "icon": None,
            "type": None,
            "flags": self.flags,
            "flags_new": str(self.flags),
            "bot_public": True,
            "bot_require_code_grant": False,
            "hook": True,
            "verify_key": "0" * 64,
            "owner": payloads.user(owner),
            "team": None,
            "redirect_uris": [],
            "role_connections_verification_url": None,
            "approximate_guild_count": len(self.world.guilds),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "eligible_oauth2_scopes": [],
            "interactions_endpoint_url": None,
            "explicit_content_filter": 0,
        }

    @property
    def flags(self) -> int:
        """Which privileged intents the application has, as a bot in few guilds has them."""
        off = self.world.disallowed_intents
        return sum(flag for intent, flag in LIMITED.items() if not off & intent)

    def address(self, _: Call) -> Json:
        """GET /gateway."""
        return {"url": self.gateway.url}

    def address_for_bots(self, _: Call) -> Json:
        """GET /gateway/bot."""
        left = self.session_limit - len(self.gateway.identifies)
        limit = {"total": 1000, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self.gateway.url, "shards": self.shards, "session_start_limit": limit}

    def open_dm(self, call: Call) -> Json:
        """POST /users/@me/channels: one private chat with each person, however often asked."""
        person = self._person(str(body_of(call).get("recipient_id")))
        return payloads.channel(self.world.dm(person))

    def ban(self, call: Call) -> None:
        """PUT a ban: whoever is banned already stays so."""
        self.world.bans[call.path["guild_id"], call.path["user_id"]] = body_of(call)

    def invite(self, call: Call) -> Json:
        """POST an invite: another one each time."""
        code = f"invite{self.world.new_id()}"
        self.world.invites.append(code)
        return {"type": 0, "code": code, "channel": {"id": call.path["channel_id"]}}

    def emoji(self, call: Call) -> Json:
        """POST a guild's emoji: its picture as image data."""
        body = body_of(call)
        self.world.emoji[body["name"]] = body["image"]
        return {"id": self.world.new_id(), "name": body["name"]}

    def commands(self, call: Call) -> list[Json]:
        """GET the commands, global or of a guild; translations only if they are asked for."""
        known = self.world.commands.get(self._place(call), [])
        if call.query.get("with_localizations") == "true":
            return known
        return [command | NOTHING for command in known]

    def replace_commands(self, call: Call) -> list[Json]:
        """PUT the commands: the whole set at once; one of the same name keeps its id."""
        place = self._place(call)
        wanted = call.body if isinstance(call.body, list) else []
        _check_commands(wanted)
        known = {_key(command): command for command in self.world.commands.get(place, ())}
        self.world.commands[place] = [self._command(command, place, known) for command in wanted]
        return self.world.commands[place]

    def _command(self, wanted: Json, place: str | None, known: dict[tuple[str, int], Json]) -> Json:
        old, version = known.get(_key(wanted)), self.world.new_id()
        kept = {"id": old["id"] if old else version, "application_id": self.world.bot.id}
        defaults: Json = {
            "type": CHAT_INPUT,
            "description": "",
            "options": [],
            "default_member_permissions": None,
            "dm_permission": True,
            "contexts": None,
            "integration_types": [0],
            "nsfw": False,
        }
        made = defaults | NOTHING | wanted | kept | ({"guild_id": place} if place else {})
        if made["default_member_permissions"] is not None:  # asked for as a number, told as a text
            made["default_member_permissions"] = str(made["default_member_permissions"])
        same = old and made | {"version": old["version"]} == old
        return made | {"version": old["version"] if old and same else version}

    def _place(self, call: Call) -> str | None:
        if call.path["application_id"] != self.world.bot.id:
            raise ApiError(403, 20012, "You are not authorized to perform this action")
        place = call.path.get("guild_id")
        if place is not None and place not in self.world.guilds:
            raise ApiError(403, 50001, "Missing Access")
        return place

    def _person(self, id: str) -> Person:
        if id not in self.world.people:
            raise ApiError(404, 10013, "Unknown User")
        return self.world.people[id]


def _key(command: Json) -> tuple[str, int]:
    return command["name"], command.get("type") or CHAT_INPUT


def _check_commands(wanted: list[Json]) -> None:
    if len(wanted) > MOST_COMMANDS:
        raise ApiError(400, 30032, "Maximum number of application commands reached (100).")
    if len({_key(entry) for entry in wanted}) < len(wanted):
        words = "Application command names must be unique"
        raise invalid("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", words)
    for kind in (IN_USER_MENU, IN_MESSAGE_MENU):
        if sum(_key(entry)[1] == kind for entry in wanted) > MOST_IN_MENU:
            raise ApiError(400, 30032, "Maximum number of application commands reached (5).")
    for entry in wanted:
        if _key(entry)[1] == CHAT_INPUT:
            _check_slash(entry)
        elif entry.get("description") or entry.get("options"):
            words = "Context menu commands cannot have description"
            raise invalid("description", "APPLICATION_COMMANDS_INVALID_DESCRIPTION", words)


def _check_slash(command: Json) -> None:
    for option in command.get("options") or ():
        if option["type"] in (SUB_COMMAND, SUB_COMMAND_GROUP):
            _check_slash(option)
    names = [command["name"], *(option["name"] for option in command.get("options") or ())]
    if any(name != name.lower() or not NAME.fullmatch(name) for name in names):
        words = "Command name is invalid"
        raise invalid("name", "APPLICATION_COMMAND_INVALID_NAME", words)
    if not command.get("description"):
        raise invalid("description", "BASE_TYPE_REQUIRED", "This field is required")
    needs = [bool(option.get("required")) for option in command.get("options") or ()]
    if needs != sorted(needs, reverse=True):
        words = "Required options must be placed before non-required options"
        raise invalid("options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words)


def registered(world: World, name: str, place: str | None, type: int = CHAT_INPUT) -> Json:
    """Return a command of this type that people see there. Raises `LookupError`."""
    known = [*world.commands.get(place, ()), *world.commands[None]]
    command: Json | None = next((found for found in known if _key(found) == (name, type)), None)
    context = 0 if place else 1
    if command is None or context not in (command.get("contexts") or (context,)):
        there = [found["name"] for found in known]
        raise LookupError(f"/{name} is not registered; there are {there}")
    return command


def invocation(
    world: World, name: str, place: str | None, options: Json, *, typing: str | None = None
) -> Json:
    """Return the data of a slash command that somebody typed, as Discord's client makes it.

    A `name` of several words is that of a command in groups. `typing` is the option that is still
    being typed. Raises `LookupError` if there is no such command or option, or a required one is
    missing: the client would not have let it be sent.
    """
    root, *groups = name.split()
    command = registered(world, root, place)
    found = command
    for group in groups:
        inner = {option["name"]: option for option in found["options"]}
        if group not in inner:
            raise LookupError(f"/{name} is not registered; in /{root} there are {list(inner)}")
        found = inner[group]
    asked = {option["name"]: option for option in found.get("options") or ()}
    missing = [key for key, about in asked.items() if about.get("required") and key not in options]
    if (missing and typing is None) or not set(options) <= set(asked):
        raise LookupError(f"/{name} takes {list(asked)} and misses {missing}; got {list(options)}")
    given = [_given(asked[option], value) for option, value in options.items()]
    if typing is not None:
        if not asked[typing].get("autocomplete"):
            raise LookupError(f"nothing is offered for {typing} of /{name}")
        given = [value | {"focused": True} if value["name"] == typing else value for value in given]
    for depth, group in enumerate(reversed(groups)):
        kind = SUB_COMMAND_GROUP if depth else SUB_COMMAND
        given = [{"name": group, "type": kind, **({"options": given} if given else {})}]
    data: Json = {"id": command["id"], "name": root, "type": CHAT_INPUT}
    if given:
        data["options"] = given
    if people := [who for who in options.values() if isinstance(who, Person)]:
        data["resolved"] = {"users": {who.id: payloads.user(who) for who in people}}
        if place:
            data["resolved"]["members"] = {who.id: _resolved(who) for who in people}
    return data


def choice(world: World, title: str, place: str | None, chosen: Person | Json) -> Json:
    """Return the data of a command that somebody chose in the menu of a person or of a message.

    Raises `LookupError` if there is none of that title.
    """
    menu = IN_USER_MENU if isinstance(chosen, Person) else IN_MESSAGE_MENU
    target = chosen.id if isinstance(chosen, Person) else chosen["id"]
    command = registered(world, title, place, menu)
    data: Json = {"id": command["id"], "name": title, "type": menu, "target_id": target}
    if not isinstance(chosen, Person):
        return data | {"resolved": {"messages": {target: chosen}}}
    data["resolved"] = {"users": {chosen.id: payloads.user(chosen)}}
    if place:
        data["resolved"]["members"] = {chosen.id: _resolved(chosen)}
    return data


def _resolved(person: Person) -> Json:
    return payloads.member(person, named=False) | {"permissions": "0"}


def _given(about: Json, value: object) -> Json:
    fits = VALUES.get(about["type"], object)
    if not isinstance(value, fits) or (isinstance(value, bool) and fits is not bool):
        raise LookupError(f"{about['name']} cannot be {value!r}")
    choices = [choice["value"] for choice in about.get("choices") or ()]
    if choices and value not in choices:
        raise LookupError(f"{about['name']} is one of {choices}, not {value!r}")
    shown = value.id if isinstance(value, Person) else value
    return {"name": about["name"], "type": about["type"], "value": shown}
