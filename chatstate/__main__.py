"""`python -m chatstate`: the command line."""

from chatstate.cli import main

main()
