"""From an adapter's delivery to its lane: events in the order of the store.

`lanes` runs the events of each conversation one at a time, `receipts` tells adapters what became
of what they delivered.
"""
