"""From Discord to durable events.

Owns what is read of payloads (`wire`), where they were said (`places`), their way into the inbox
(`intake`), and what was missed while the bot was away (`backfill`).
"""
