"""What waits for one answer of its own kind: inline queries, and the steps of a payment."""

from __future__ import annotations

from servers.telegram_model import ApiError, Chat, Json, Message, Person
from servers.telegram_people import People
from servers.telegram_world import World

_TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
_MOST_RESULTS = 50


class Queries(People):
    """People who type behind the bot's name, and who pay."""

    def ask_inline(self, person: Person, text: str) -> str:
        """Type a text behind the bot's name, somewhere; return the query's id."""
        return self._query("inline_query", person, {"query": text, "offset": ""})

    def check_out(self, person: Person, payload: str, stars: int = 5) -> str:
        """Confirm a payment; return the id of the query that waits for the bot's consent."""
        paid = {"currency": "XTR", "total_amount": stars, "invoice_payload": payload}
        return self._query("pre_checkout_query", person, paid)

    def ship_to(self, person: Person, payload: str, country: str = "DE") -> str:
        """Give an address for what is bought; return the id of the query."""
        lines = dict.fromkeys(("state", "city", "street_line1", "street_line2", "post_code"), "")
        address = {"country_code": country, **lines}
        asked = {"invoice_payload": payload, "shipping_address": address}
        return self._query("shipping_query", person, asked)

    def pay(self, person: Person, chat: Chat, payload: str, stars: int = 5) -> Message:
        """Pay for what was checked out: the bot is told by a message."""
        paid = {"currency": "XTR", "total_amount": stars, "invoice_payload": payload}
        charges = {"telegram_payment_charge_id": "t1", "provider_payment_charge_id": "p1"}
        return self.tell(person, chat, {"successful_payment": paid | charges})

    def vote(self, person: Person, poll: str, option: int) -> None:
        """Vote in a poll that is not anonymous."""
        answer = {"poll_id": poll, "user": person.raw, "option_ids": [option]}
        self.updates.push({"poll_answer": answer})

    def _query(self, kind: str, person: Person, content: Json) -> str:
        number = str(5_000_000_000_000_000_000 + next(self.numbers))
        self.open_queries[number] = kind
        self.updates.push({kind: {"id": number, "from": person.raw, **content}})
        return number


def answer_inline_query(world: World, params: Json) -> bool:
    results = params["results"]
    if len(results) > _MOST_RESULTS:
        raise ApiError(400, "Bad Request: RESULTS_TOO_MUCH")
    if len({result["id"] for result in results}) < len(results):
        raise ApiError(400, "Bad Request: RESULT_ID_DUPLICATE")
    return _answer(world, "inline_query", params)


def answer_pre_checkout_query(world: World, params: Json) -> bool:
    return _answer(world, "pre_checkout_query", _with_reason(params))


def answer_shipping_query(world: World, params: Json) -> bool:
    if params["ok"] and "shipping_options" not in params:
        raise ApiError(400, "Bad Request: SHIPPING_OPTIONS_EMPTY")
    return _answer(world, "shipping_query", _with_reason(params))


def refund_star_payment(world: World, params: Json) -> bool:
    charge = params["telegram_payment_charge_id"]
    if charge in world.refunded:
        raise ApiError(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
    world.refunded[charge] = params["user_id"]
    return True


def _with_reason(params: Json) -> Json:
    if not params["ok"] and not params.get("error_message"):
        raise ApiError(400, "Bad Request: error message must be specified")
    return params


def _answer(world: World, kind: str, params: Json) -> bool:
    number = params[f"{kind}_id"]
    if world.open_queries.pop(number, None) != kind:
        raise ApiError(400, _TOO_OLD)
    world.answered[number] = params
    return True
