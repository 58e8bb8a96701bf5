"""The tables, as statements: those of each migration of `schema`.

1. What a released migration did is permanent: so are its statements.
2. Times are seconds since 1970.
3. `place` and `person` are ids of `conversations`, `chats` and `people` (see `chatstate.scope`),
   0 for none.
4. Values, events and replies are JSON text.
"""

from __future__ import annotations

INITIAL = (
    # Each process that ran on this store; `ended_at` only if it stopped as it should.
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bot TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
        started_at REAL NOT NULL, ended_at REAL
    )""",
    # Each bot's secret, with which it signs what buttons carry.
    "CREATE TABLE secrets (bot TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID",
    # A bot's account on a platform; `cursor` is the adapter's place in the platform's stream.
    """CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        bot TEXT NOT NULL, platform TEXT NOT NULL, platform_id TEXT NOT NULL, cursor TEXT,
        UNIQUE (bot, platform, platform_id)
    )""",
    # Chats, and the platform's ids of each: the newest is where replies go.
    """CREATE TABLE chats (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account INTEGER NOT NULL, platform_id TEXT NOT NULL,
        kind TEXT NOT NULL, title TEXT NOT NULL
    )""",
    """CREATE TABLE chat_ids (
        account INTEGER NOT NULL, platform_id TEXT NOT NULL, chat INTEGER NOT NULL,
        PRIMARY KEY (account, platform_id)
    ) WITHOUT ROWID""",
    # People, and the platform's ids of each.
    """CREATE TABLE people (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account INTEGER NOT NULL, platform_id TEXT NOT NULL, name TEXT NOT NULL
    )""",
    """CREATE TABLE person_ids (
        account INTEGER NOT NULL, platform_id TEXT NOT NULL, person INTEGER NOT NULL,
        PRIMARY KEY (account, platform_id)
    ) WITHOUT ROWID""",
    # A chat, or one thread in it: the lane in which turns are ordered. `thread` '' for none.
    """CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        chat INTEGER NOT NULL, thread TEXT NOT NULL,
        UNIQUE (chat, thread)
    )""",
    # Events in the order of arrival. Done ones keep their id for a while, to know them again.
    # Those that are `ahead` (expired values) go before what waits in their conversation.
    """CREATE TABLE inbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        account INTEGER NOT NULL, event_id TEXT NOT NULL,
        conversation INTEGER NOT NULL, person INTEGER NOT NULL,
        body TEXT, arrived_at REAL NOT NULL,
        done_at REAL, attempt INTEGER, crashes INTEGER NOT NULL DEFAULT 0,
        ahead INTEGER NOT NULL DEFAULT 0,
        UNIQUE (account, event_id)
    )""",
    "CREATE INDEX inbox_waiting ON inbox (conversation, seq) WHERE done_at IS NULL",
    # The state. `schema` is the version of the state's declaration that wrote the value. If it
    # expires, the account and the conversation are those of the turn that used it last.
    """CREATE TABLE states (
        bot TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
        place INTEGER NOT NULL, person INTEGER NOT NULL,
        value TEXT NOT NULL, version INTEGER NOT NULL, schema INTEGER NOT NULL,
        changed_at REAL NOT NULL,
        expires_at REAL, account INTEGER, conversation INTEGER,
        PRIMARY KEY (bot, scope, name, place, person)
    )""",
    """CREATE INDEX states_expiring ON states (bot, scope, name, account, expires_at)
        WHERE expires_at IS NOT NULL""",
    # Replies owed: a row is deleted once it is sent or dead.
    """CREATE TABLE outbox (
        conversation INTEGER NOT NULL, turn INTEGER NOT NULL, part INTEGER NOT NULL,
        body TEXT NOT NULL, owed_at REAL NOT NULL, begun_at REAL,
        crashes INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (conversation, turn, part)
    )""",
    # Results of steps of turns that are not committed yet.
    """CREATE TABLE notes (
        turn INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (turn, name)
    )""",
    # What buttons send that is too long for their platform; `message` once it is known.
    """CREATE TABLE buttons (
        ref TEXT PRIMARY KEY,
        conversation INTEGER NOT NULL, turn INTEGER NOT NULL, part INTEGER NOT NULL,
        sends TEXT NOT NULL, command INTEGER NOT NULL, expires_at REAL NOT NULL, message TEXT
    ) WITHOUT ROWID""",
    "CREATE INDEX buttons_of ON buttons (conversation, turn, part)",
    "CREATE INDEX buttons_expiring ON buttons (expires_at)",
    # Events whose turn failed (`part` is NULL), and replies that were refused or held.
    """CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bot TEXT NOT NULL, kind TEXT NOT NULL,
        conversation INTEGER NOT NULL, person INTEGER NOT NULL,
        turn INTEGER NOT NULL, part INTEGER, body TEXT NOT NULL,
        error TEXT NOT NULL, detail TEXT NOT NULL, died_at REAL NOT NULL
    )""",
    # What the command line asks of the process that runs: "retry" or "drop" a dead letter.
    """CREATE TABLE requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        verb TEXT NOT NULL, letter INTEGER NOT NULL, asked_at REAL NOT NULL
    )""",
    # The state as a person reads it.
    """CREATE VIEW sessions AS
        SELECT s.bot, s.scope, s.name, a.platform,
            c.platform_id AS chat, nullif(k.thread, '') AS thread,
            p.platform_id AS person, s.value,
            strftime('%Y-%m-%dT%H:%M:%SZ', s.changed_at, 'unixepoch') AS changed,
            strftime('%Y-%m-%dT%H:%M:%SZ', s.expires_at, 'unixepoch') AS expires
        FROM states AS s
        LEFT JOIN conversations AS k ON s.scope IN ('member', 'thread') AND k.id = s.place
        LEFT JOIN chats AS c ON c.id = CASE WHEN s.scope = 'chat' THEN s.place ELSE k.chat END
        LEFT JOIN people AS p ON p.id = s.person
        LEFT JOIN accounts AS a ON a.id = coalesce(c.account, p.account)
    """,
)

ROWS = (
    # Replies owed, in the order of commit: a row is deleted once it is sent or dead. `priority` 1
    # is for what may wait for others; past `best_before` a reply is not sent any more.
    "ALTER TABLE outbox RENAME TO outbox_before",
    """CREATE TABLE outbox (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL, turn INTEGER NOT NULL, part INTEGER NOT NULL,
        body TEXT NOT NULL, owed_at REAL NOT NULL, begun_at REAL,
        crashes INTEGER NOT NULL DEFAULT 0,
        priority INTEGER NOT NULL DEFAULT 0, best_before REAL
    )""",
    "CREATE INDEX outbox_lines ON outbox (conversation)",
    """INSERT INTO outbox (conversation, turn, part, body, owed_at, begun_at, crashes)
        SELECT conversation, turn, part, body, owed_at, begun_at, crashes
        FROM outbox_before ORDER BY turn, part""",
    "DROP TABLE outbox_before",
    # An adapter's places in the platform's streams: one for each part of what it receives.
    """CREATE TABLE cursors (
        account INTEGER NOT NULL, part TEXT NOT NULL, cursor TEXT NOT NULL,
        PRIMARY KEY (account, part)
    ) WITHOUT ROWID""",
    "INSERT INTO cursors SELECT id, '', cursor FROM accounts WHERE cursor IS NOT NULL",
    "ALTER TABLE accounts DROP COLUMN cursor",
    # What adapters keep for themselves.
    """CREATE TABLE remembered (
        account INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (account, name)
    ) WITHOUT ROWID""",
    # `body` holds the rest of a request that is not about a dead letter; `letter` is 0 then.
    "ALTER TABLE requests ADD COLUMN body TEXT",
)

TENANTS = (
    # Those whose accounts a bot runs, if they are not its own (0).
    """CREATE TABLE tenants (
        id INTEGER PRIMARY KEY, bot TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (bot, name)
    )""",
    "ALTER TABLE accounts ADD COLUMN tenant INTEGER NOT NULL DEFAULT 0",
)

SENT = (
    # References to messages of the bot's: part of what a turn owes in a conversation (0 while that
    # is not known yet), and the message's id once it is sent. `content` is what it should say by
    # now if it is ever sent.
    """CREATE TABLE sent (
        ref TEXT PRIMARY KEY,
        conversation INTEGER NOT NULL DEFAULT 0, turn INTEGER NOT NULL DEFAULT 0,
        part INTEGER NOT NULL DEFAULT 0,
        message TEXT, content TEXT, is_deleted INTEGER NOT NULL DEFAULT 0, expires_at REAL NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX sent_of ON sent (conversation, turn, part)",
    "CREATE INDEX sent_expiring ON sent (expires_at)",
    # The reference of the message that an owed edit or deletion changes.
    "ALTER TABLE outbox ADD COLUMN changes TEXT",
    "CREATE INDEX outbox_changes ON outbox (changes) WHERE changes IS NOT NULL",
    # The account from which a request wants something sent.
    "ALTER TABLE requests ADD COLUMN account INTEGER",
)

TIMERS = (
    # Timers: one for each conversation, person (0 for nobody) and key. `generation` is new each
    # time one is set; `fired` is the number of its event, which waits in the inbox, 0 for none.
    """CREATE TABLE timers (
        conversation INTEGER NOT NULL, person INTEGER NOT NULL, key TEXT NOT NULL,
        generation INTEGER NOT NULL, account INTEGER NOT NULL, due_at REAL NOT NULL,
        handler TEXT NOT NULL, text TEXT NOT NULL, slot TEXT NOT NULL, language TEXT,
        fired INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (conversation, person, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX timers_due ON timers (account, due_at, generation) WHERE fired = 0",
    "CREATE INDEX timers_handlers ON timers (account, handler)",
)

BROADCASTS = (
    # Jobs that say something to many: `body` is what, `audience` to whom; `gathered` up to which
    # number of that. Their counts are those of `recipients`, by fate.
    """CREATE TABLE broadcasts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bot TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, content TEXT NOT NULL,
        audience TEXT NOT NULL, standing TEXT NOT NULL, is_paused INTEGER NOT NULL DEFAULT 0,
        begun_at REAL NOT NULL, gathered INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0, reached INTEGER NOT NULL DEFAULT 0,
        blocked INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
        recalled INTEGER NOT NULL DEFAULT 0,
        UNIQUE (bot, key)
    )""",
    # Whom a job reaches, `body` says how. Once reached: the conversation and the turn that says it.
    """CREATE TABLE recipients (
        broadcast INTEGER NOT NULL, number INTEGER NOT NULL,
        account INTEGER NOT NULL, body TEXT NOT NULL,
        fate TEXT, conversation INTEGER, turn INTEGER,
        PRIMARY KEY (broadcast, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX recipients_by_fate ON recipients (broadcast, fate, number)",
    """CREATE UNIQUE INDEX recipients_once ON recipients (broadcast, conversation)
        WHERE conversation IS NOT NULL""",
    "CREATE INDEX recipients_of ON recipients (turn) WHERE turn IS NOT NULL",
    # Since when a chat takes nothing from the bot; NULL again once anything comes from there.
    "ALTER TABLE chats ADD COLUMN blocked_at REAL",
)

TRANSCRIPTS = (
    # The newest revision of each chat that pages show. `chat` is the adapter's own name for it.
    """CREATE TABLE transcript_chats (
        account INTEGER NOT NULL, chat TEXT NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (account, chat)
    ) WITHOUT ROWID""",
    # Messages as pages show them: JSON of the adapter's own, NULL once deleted. `files` are keys.
    """CREATE TABLE transcript (
        account INTEGER NOT NULL, chat TEXT NOT NULL, id INTEGER NOT NULL,
        revision INTEGER NOT NULL, thread TEXT NOT NULL, key TEXT NOT NULL,
        at REAL NOT NULL, body TEXT, files TEXT NOT NULL,
        PRIMARY KEY (account, chat, id), UNIQUE (account, chat, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX transcript_changes ON transcript (account, chat, revision)",
    "CREATE INDEX transcript_threads ON transcript (account, chat, thread, id)",
    "CREATE INDEX transcript_ages ON transcript (at)",
)

FORGOTTEN = (
    # Who is to be forgotten, or was; `mark` is a keyed hash of `user_id`, which is '' once done.
    """CREATE TABLE forgotten (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bot TEXT NOT NULL, account INTEGER NOT NULL, person INTEGER NOT NULL,
        user_id TEXT NOT NULL, mark TEXT NOT NULL, asked_at REAL NOT NULL,
        turn INTEGER NOT NULL DEFAULT 0, erased_at REAL, done_at REAL
    )""",
    # With whom a private chat is, 0 if that is not known.
    "ALTER TABLE chats ADD COLUMN person INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX chats_of ON chats (person) WHERE person > 0",
    "CREATE TABLE backups (path TEXT PRIMARY KEY, made_at REAL NOT NULL) WITHOUT ROWID",
)
ANSWERED = tuple(
    statement
    for table in ("outbox", "buttons", "sent")
    for statement in (
        # Who has said what this answers, 0 if nobody has.
        f"ALTER TABLE {table} ADD COLUMN person INTEGER NOT NULL DEFAULT 0",
        f"""UPDATE {table} SET person =
            coalesce((SELECT person FROM inbox WHERE seq = {table}.turn), 0)""",  # noqa: S608 - ours
    )
)
