-- Conversations as trees of messages. Ids are random: they stand in addresses, and must tell nothing of others.
CREATE TABLE conversation (
    id          text PRIMARY KEY,
    person      bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    title       text NOT NULL DEFAULT '',
    title_by    text NOT NULL DEFAULT 'nobody' CHECK (title_by IN ('nobody', 'question', 'person')),
    model       text NOT NULL DEFAULT '',
    collections text[] NOT NULL DEFAULT '{}',
    system      text NOT NULL DEFAULT '',
    pinned      boolean NOT NULL DEFAULT false,
    archived    boolean NOT NULL DEFAULT false,
    leaf        text,                    -- the message that the shown branch ends in
    messages    int NOT NULL DEFAULT 0,
    share_token text UNIQUE,             -- null: not shared
    share_people text[],                 -- null: the whole company
    shared      timestamptz,
    created     timestamptz NOT NULL DEFAULT now(),
    updated     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversation_of_person ON conversation (person, archived, pinned DESC, updated DESC, id DESC);

CREATE TABLE message (
    id           text PRIMARY KEY,
    conversation text NOT NULL REFERENCES conversation ON DELETE CASCADE,
    ordinal      bigint GENERATED ALWAYS AS IDENTITY,
    parent       text,                   -- null: a first question. No foreign key: a conversation goes as a whole
    parent_key   text GENERATED ALWAYS AS (coalesce(parent, '')) STORED,
    role         text NOT NULL CHECK (role IN ('user', 'assistant')),
    kind         text NOT NULL DEFAULT 'text' CHECK (kind IN ('text', 'passages', 'nothing_found')),
    state        text NOT NULL CHECK (state IN ('complete', 'running', 'stopped', 'incomplete')),
    model        text NOT NULL DEFAULT '',
    collections  text[] NOT NULL DEFAULT '{}',
    text         text NOT NULL DEFAULT '',
    reasoning    text NOT NULL DEFAULT '',
    reasoning_ms double precision,
    problem      jsonb,                  -- why it broke off: never a part of the text
    images       jsonb,
    sources      jsonb,
    citations    jsonb,
    tool_calls   jsonb,
    context      jsonb,
    record       jsonb,
    thumb        text CHECK (thumb IN ('up', 'down')),
    comment      text NOT NULL DEFAULT '',
    rated        timestamptz,
    words        tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.simple', left(text, 100000))) STORED,
    created      timestamptz NOT NULL DEFAULT now(),
    saved        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX message_by_parent ON message (conversation, parent_key, ordinal);
CREATE INDEX message_by_words ON message USING gin (words);
CREATE INDEX message_running ON message (conversation) WHERE state = 'running';
CREATE INDEX message_rated ON message (rated) WHERE thumb IS NOT NULL;

CREATE TABLE preset (
    id      text PRIMARY KEY,
    person  bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    name    text NOT NULL,
    text    text NOT NULL,
    shared  boolean NOT NULL DEFAULT false,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX preset_of_person ON preset (person);
