"""From an adapter's delivery to its lane: events in the order of the store.

1. `lanes` runs the events of each conversation one at a time.
2. `receipts` tells adapters what became of what they delivered.
"""
