"""`StoreContract`: the suite that every store must pass.

```python
from chatstate.testing import StoreContract

class TestMyStore(StoreContract):
    def make_store(self, folder, *, clock, waiting_limit, overflow):
        return MyStore(folder / "data", clock=clock, limit=waiting_limit, overflow=overflow)
```

It is run by pytest with pytest-asyncio in its "auto" mode. A store that keeps nothing beyond its
process sets `durable = False`.
"""

from __future__ import annotations

from chatstate.testing.contracts.store.buttons import ButtonsContract, FilesContract
from chatstate.testing.contracts.store.expiry import ExpiryContract
from chatstate.testing.contracts.store.hold import AliasContract, HoldContract
from chatstate.testing.contracts.store.inbox import InboxContract
from chatstate.testing.contracts.store.outbox import LettersContract, OutboxContract
from chatstate.testing.contracts.store.turns import CommitContract, NotesContract


class StoreContract(
    HoldContract,
    AliasContract,
    InboxContract,
    CommitContract,
    ExpiryContract,
    NotesContract,
    OutboxContract,
    LettersContract,
    ButtonsContract,
    FilesContract,
):
    """Every verb of `chatstate.stores.base.Store`, and every edge its docstrings promise.

    A subclass overrides `make_store`, which returns a store that is not open yet: one on the
    same data each time it is given the same folder.
    """
