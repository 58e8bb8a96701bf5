"""The command line: `chatstate run`, `chatstate dead`. It knows no platform by name.

`main` has the commands, `loading` finds adapters, bots and stores by what a person typed,
`adapter_options` lets `run` take what the adapters declare, `loops` chooses the event loop,
`starting` puts a bot, its adapters and its store together, for `Interface.serve` too.
"""
