-- API keys: what each may do, and SHA-256 of its text. Rows are never deleted, so that logs can
-- name a key that was revoked; keys.json in the data folder is a copy, for the time before the
-- store is there and when it is away.
CREATE TABLE api_key (
    id        text PRIMARY KEY CHECK (id <> ''),
    name      text NOT NULL CHECK (name <> ''),
    last_four text NOT NULL DEFAULT '',
    hash      bytea NOT NULL CHECK (length(hash) = 32),
    created   timestamptz NOT NULL,
    expires   timestamptz,
    revoked   timestamptz,
    models    text[] NOT NULL DEFAULT '{}',      -- names and patterns; empty = all
    requests_per_minute bigint,
    tokens_per_minute   bigint,
    streams   bigint,
    priority  text NOT NULL DEFAULT 'interactive' CHECK (priority IN ('interactive', 'batch')),
    changed   bigint NOT NULL DEFAULT 1          -- counts up: whoever watches sees that something happened
);
CREATE UNIQUE INDEX api_key_by_name ON api_key (name) WHERE revoked IS NULL;
CREATE SEQUENCE api_key_changes START 2;
