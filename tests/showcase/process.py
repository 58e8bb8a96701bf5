"""The command line, in a process that ends itself where `fuses` says."""

import showcase.fuses  # noqa: F401 - they are around the parts from now on

from chatstate.cli.main import main

main()
