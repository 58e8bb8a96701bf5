"""What every store does, as tests: inherit `StoreContract`.

`suite` puts it together of five suites, one for each protocol, and these of what the other files
claim; `session` is a store that is open, and events to put into it.
"""
