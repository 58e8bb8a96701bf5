"""The bot of test_discord_modal_kill.py: a form, and how often each was filled in so."""

from chatstate import Interface, State


def order(cups: int, name: str, orders: list[str]) -> tuple[str, list[str]]:
    """Order tea."""
    orders = [*orders, name]
    return f"{cups} for {name}, {orders.count(name)} of {len(orders)}", orders


bot = Interface(order, ["number", "text", State([])], ["text", "state"], id="tea")
