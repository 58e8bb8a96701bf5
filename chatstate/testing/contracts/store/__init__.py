"""What every store does, as tests: inherit `StoreContract`."""
