"""`AdapterContract`: the suite that every adapter must pass.

```python
from chatstate.testing import AdapterContract

class TestMyAdapter(AdapterContract):
    def make_driver(self, folder):
        return MyDriver(folder)
```

It is run by pytest with pytest-asyncio in its "auto" mode. The driver plays the platform: see
`AdapterDriver`, and docs/adapters.md for one from start to end. The suite runs the real engine on a
real SQLite file with bots of its own; what the adapter's `capabilities` lack is looked for in the
form that the core gives it instead.
"""

from __future__ import annotations

from chatstate.testing.contracts.adapter.buttons import ButtonsContract
from chatstate.testing.contracts.adapter.cards import CardsContract
from chatstate.testing.contracts.adapter.choices import ChoicesContract
from chatstate.testing.contracts.adapter.commands import CommandsContract
from chatstate.testing.contracts.adapter.dialogues import DialoguesContract, ModalsContract
from chatstate.testing.contracts.adapter.elsewhere import ElsewhereContract
from chatstate.testing.contracts.adapter.examining import ExaminingContract
from chatstate.testing.contracts.adapter.files import FilesContract
from chatstate.testing.contracts.adapter.guards import GuardsContract
from chatstate.testing.contracts.adapter.named import NamedContract
from chatstate.testing.contracts.adapter.natives import NativesContract
from chatstate.testing.contracts.adapter.reactions import ReactionsContract
from chatstate.testing.contracts.adapter.receiving import IntakeContract, PeopleContract
from chatstate.testing.contracts.adapter.sending import SendingContract, StoppingContract
from chatstate.testing.contracts.adapter.shared import SharedContract
from chatstate.testing.contracts.adapter.text import TextContract


class AdapterContract(
    TextContract,
    ButtonsContract,
    ChoicesContract,
    CardsContract,
    SharedContract,
    CommandsContract,
    FilesContract,
    GuardsContract,
    ReactionsContract,
    NativesContract,
    PeopleContract,
    NamedContract,
    ExaminingContract,
    IntakeContract,
    SendingContract,
    ElsewhereContract,
    DialoguesContract,
    ModalsContract,
    StoppingContract,
):
    """Each verb of `chatstate.adapter.Adapter`, and each rule its docstrings give.

    A subclass overrides `make_driver`.
    """
