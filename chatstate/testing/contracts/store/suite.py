"""`StoreContract`: the suite that every store must pass.

```python
from chatstate.testing import StoreContract

class TestMyStore(StoreContract):
    def make_store(self, folder, *, clock, waiting_limit, overflow):
        return MyStore(folder / "data", clock=clock, limit=waiting_limit, overflow=overflow)
```

1. It is run by pytest with pytest-asyncio in its "auto" mode.
2. A store that keeps nothing beyond its process sets `durable = False`; one that several processes
   may hold is tested once more with `runs = 3`.
3. It is made of eight suites, one for each protocol of `chatstate.stores.base`.
"""

from __future__ import annotations

from chatstate.testing.contracts.store.accounts import AccountsContract
from chatstate.testing.contracts.store.aliases import AliasesContract
from chatstate.testing.contracts.store.arrivals import ArrivalsContract
from chatstate.testing.contracts.store.broadcasts import BroadcastsContract
from chatstate.testing.contracts.store.buttons import ButtonsContract
from chatstate.testing.contracts.store.claims import ClaimsContract
from chatstate.testing.contracts.store.commits import CommitsContract
from chatstate.testing.contracts.store.elsewhere import ReferencesContract, SendsContract
from chatstate.testing.contracts.store.expiry import ExpiryContract
from chatstate.testing.contracts.store.files import FilesContract
from chatstate.testing.contracts.store.forgetting import ForgettingContract
from chatstate.testing.contracts.store.interleavings import InterleavingsContract
from chatstate.testing.contracts.store.late import LateContract
from chatstate.testing.contracts.store.leases import LeasesContract
from chatstate.testing.contracts.store.leaving import LeavingContract
from chatstate.testing.contracts.store.letters import LettersContract
from chatstate.testing.contracts.store.lines import LinesContract
from chatstate.testing.contracts.store.links import LinksContract
from chatstate.testing.contracts.store.looking import ShelvesContract
from chatstate.testing.contracts.store.notes import NotesContract
from chatstate.testing.contracts.store.remembering import RememberingContract
from chatstate.testing.contracts.store.roles import RolesContract
from chatstate.testing.contracts.store.runs import RunsContract
from chatstate.testing.contracts.store.sharing import HoldingContract, SharedContract
from chatstate.testing.contracts.store.shelves import AskingContract, LookingContract
from chatstate.testing.contracts.store.timers import SharedTimersContract, TimersContract
from chatstate.testing.contracts.store.transcripts import TranscriptsContract


class InboxContract(AccountsContract, AliasesContract, ArrivalsContract, ClaimsContract):
    """What comes in, from whom, and which run handles it."""


class TurnsContract(CommitsContract, LateContract, NotesContract, ButtonsContract):
    """What a turn reads, notes on its way, and commits."""


class StatesContract(ExpiryContract, TimersContract, LinksContract, RememberingContract):
    """Values beyond a turn, and timers."""


class OutboxContract(LinesContract, FilesContract, ReferencesContract):
    """What is owed."""


class WorkersContract(
    HoldingContract,
    LeavingContract,
    RolesContract,
    SharedContract,
    SharedTimersContract,
    LeasesContract,
    InterleavingsContract,
):
    """Several runs on the same data: they share it, die, and go on with each other's work."""


class ControlContract(
    RunsContract,
    WorkersContract,
    LookingContract,
    ShelvesContract,
    AskingContract,
    SendsContract,
    LettersContract,
):
    """Runs, and everybody who looks."""


class StoreContract(
    InboxContract,
    TurnsContract,
    StatesContract,
    OutboxContract,
    BroadcastsContract,
    TranscriptsContract,
    ForgettingContract,
    ControlContract,
):
    """Every verb of `chatstate.stores.base.Store`, and every edge its docstrings promise.

    A subclass overrides `make_store`, which returns a store that is not open yet: one on the
    same data each time it is given the same folder.
    """
