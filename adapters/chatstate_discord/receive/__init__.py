"""From Discord to durable events.

Owns what is read of payloads (`wire`, `interactions`, `content`), where they were said (`places`),
their way into the inbox (`intake`), what was missed while the bot was away (`backfill`), and
received files (`downloads`).
"""
