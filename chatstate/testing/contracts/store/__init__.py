"""What every store does, as tests: inherit `StoreContract`.

`suite` puts together what `hold`, `inbox`, `turns`, `expiry`, `outbox` and `buttons` claim;
`session` is a store that is open, and events to put into it.
"""
