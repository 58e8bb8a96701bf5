"""`MemoryStore`: the five protocols of a store on dicts, several runs in one process.

It does what the contract asks of a store that many workers share, and lets tests freeze, kill and
bury them. `store` puts together `inbox`, `turns`, `states`, `outbox` and `control`, a protocol
each; `tables` are the data, `holds` says which run holds which conversation, and `verbs` what all
verbs have in common.
"""
