"""What every adapter does, as tests: inherit `AdapterContract` and give it an `AdapterDriver`."""
