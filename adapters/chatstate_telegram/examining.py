"""How an account on Telegram is, for `chatstate doctor`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
from telegram import User, WebhookInfo

from chatstate.adapter import Finding, fine, of_clocks, time_told
from chatstate_telegram.client import ANSWER_SECONDS, Client, Refusal, trusted
from chatstate_telegram.options import TelegramOptions
from chatstate_telegram.receive.trouble import UNAUTHORIZED
from chatstate_telegram.send.errors import meaning

_MANY = 100


async def findings(client: Client, options: TelegramOptions) -> AsyncIterator[Finding]:
    """Yield what Telegram says: of the token, of groups, of the webhook, and what time it is."""
    try:
        me = await client.bot.get_me()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        yield _refused(error, options)
        return
    yield fine("token", f"is that of @{me.username}")
    yield _groups(me, options)
    yield await _webhook(client, options)
    yield await _clock(options)


def _refused(error: Exception, options: TelegramOptions) -> Finding:
    if isinstance(error, Refusal) and error.status in UNAUTHORIZED:
        told = f"is refused by Telegram ({error.status} {error.description})"
        remedy = "put the one that @BotFather gives into CHATSTATE_TELEGRAM_TOKEN"
        return Finding("failed", "token", told, remedy)
    told = f"cannot be asked for at {urlsplit(options.api).netloc}: {meaning(error)}"
    return Finding("failed", "token", told, "see whether this machine reaches that address")


def _groups(me: User, options: TelegramOptions) -> Finding:
    if options.groups == "all" and not me.can_read_all_group_messages:
        told = "the bot is to hear all, and Telegram keeps what is not addressed to it back"
        remedy = "send /setprivacy to @BotFather and disable it, then add the bot to groups anew"
        return Finding("warning", "groups", told, remedy)
    return fine("groups", f"the bot hears what is {options.groups}")


async def _webhook(client: Client, options: TelegramOptions) -> Finding:
    try:
        info = await client.bot.get_webhook_info()
    except Refusal as error:  # a Bot API server of another make may have none
        return Finding(
            "warning",
            "webhook",
            f"cannot be asked for: {error.description}",
            "use one that has them",
        )
    return _polled(info) if options.webhook is None else _posted(info, options)


def _polled(info: WebhookInfo) -> Finding:
    if not info.url:
        return fine("webhook", "there is none; the bot polls")
    why = f" (Telegram could not post to it: {m})" if (m := info.last_error_message) else ""
    told = f"one is set, at {info.url}{why}; a bot that polls takes it away"
    remedy = "look with the --webhook that the bot is run with; or stop whoever has set it"
    return Finding("warning", "webhook", told, remedy)


def _posted(info: WebhookInfo, options: TelegramOptions) -> Finding:
    if info.url and info.url != options.webhook:
        told = f"is set to {info.url}, and not to {options.webhook}"
        return Finding("warning", "webhook", told, "stop whoever has set it; the bot sets its own")
    if info.last_error_message:
        told = f"Telegram could not post to it: {info.last_error_message}"
        remedy = f"let {options.webhook} lead to the bot, at --listen {options.listen}, over TLS"
        return Finding("warning", "webhook", told, remedy)
    if info.pending_update_count > _MANY:
        told = f"{info.pending_update_count} updates wait for it"
        return Finding("warning", "webhook", told, "see whether the bot runs")
    return fine("webhook", f"is {options.webhook}")


async def _clock(options: TelegramOptions) -> Finding:
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, verify=trusted()) as asking:
        answer = await asking.head(options.api)
    told = time_told(answer.headers.get("Date"))
    if told is None:
        return fine("clock", "Telegram has not said what time it is")
    return of_clocks(told, "Telegram")
