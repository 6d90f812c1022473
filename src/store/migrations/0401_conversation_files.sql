-- Files that belong to one conversation: read once, kept as passages.
CREATE TABLE conversation_file (
    id           text PRIMARY KEY,
    conversation text NOT NULL REFERENCES conversation ON DELETE CASCADE,
    name         text NOT NULL,
    type         text NOT NULL DEFAULT '',
    bytes        bigint NOT NULL,
    problem      text,                   -- why it could not be read
    passages     jsonb NOT NULL DEFAULT '[]',
    created      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversation_file_of ON conversation_file (conversation, created);
