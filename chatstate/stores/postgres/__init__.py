"""The store that many workers share: one schema of a PostgreSQL database.

`store` has the verbs; what they do to which tables is in a file each, as in `stores.sqlite`.
`connection`, `transactions` and `notices` are the way to the server and back.
"""

from chatstate.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
