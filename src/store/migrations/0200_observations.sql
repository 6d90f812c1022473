-- What was measured of each request: never a prompt, never an answer.
CREATE TABLE observation (
    id             text PRIMARY KEY,     -- the request's own: a batch that is written twice is there once
    at             timestamptz NOT NULL,
    front          text NOT NULL,
    endpoint       text NOT NULL,
    model          text NOT NULL,        -- as the client wrote it
    engine         text NOT NULL,        -- "" = answered by Segue itself, or refused
    served_model   text NOT NULL,
    key            text NOT NULL,        -- id of the key; "" = none
    status         int NOT NULL,         -- 499: the client left
    broken         boolean NOT NULL,     -- after its first byte
    finish         text NOT NULL,        -- stop, length, tool_calls …
    failure        text NOT NULL,
    attempts       int NOT NULL,
    total_ms       real NOT NULL,
    first_token_ms real,
    queued_ms      real,
    tokens_in      int,
    tokens_out     int,
    cached_tokens  int
);
CREATE INDEX observation_by_time ON observation (at);
