"""People who link who they are, on a PostgreSQL; all cases are in `engine/test_linking.py`."""

from pathlib import Path

import pytest
from engine.linked import linked
from engine.test_linking import make_bot
from stores.schemas import Schemas

from chatstate.stores.links import identities
from chatstate.stores.postgres import PostgresStore


@pytest.fixture
def url(schemas: Schemas, tmp_path: Path) -> str:
    """Return the URL of a store."""
    return schemas.url_of(tmp_path)


async def test_two_are_one_person_and_two_again(url: str) -> None:
    """Their values are joined, found by either, and given back."""
    async with linked(make_bot(), PostgresStore(url)) as bots:
        eve, evelyn = bots.eve(), bots.evelyn()
        await eve.say("/name Eve")
        await evelyn.say("/name Lyn")
        await evelyn.say("/add 3")
        await bots.link(eve, evelyn)
        assert (await evelyn.say("/name"), await eve.say("/apply")) == (
            ["called Eve"],
            ["4 applied"],
        )
        (account, *_) = await bots.store.accounts()
        person = await bots.store.person(account.id, eve.user)
        assert {i.id for i in await identities(bots.store, "bot", person)} == {"eve", "evelyn"}
        await evelyn.say("/unlink")
        assert (await evelyn.say("/name"), await evelyn.say("/add 0")) == (
            ["called Lyn"],
            ["3 points"],
        )
