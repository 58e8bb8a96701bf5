"""What every adapter does, as tests: inherit `AdapterContract` and give it an `AdapterDriver`.

`suite` puts together what `text`, `buttons`, `files`, `receiving` and `sending` claim; `session`
runs the bot, `watch` looks at the adapter, and `driver` is the platform's side.
"""
