"""From an adapter's delivery to its lane: events in the order of the store.

1. `deliveries` tells what of what was delivered is stored together.
2. `lanes` runs the events of each conversation one at a time.
3. `receipts` tells adapters what became of what they delivered.
"""
