"""`python -m chatstate`: the command line."""

from chatstate.cli.main import main

main()
