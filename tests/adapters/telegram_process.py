"""The command line, which sends as fast as the test server takes it."""

from adapters.telegram_host import QUICK

from chatstate.cli.main import main
from chatstate_telegram.send import pace

vars(pace).update(Limits=lambda: QUICK)
main()
