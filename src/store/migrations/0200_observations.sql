-- What was measured of each request: never a prompt, never an answer.
CREATE TABLE observation (
    id             text PRIMARY KEY,     -- the request's own: writing a batch twice keeps it once
    at             timestamptz NOT NULL,
    front          text NOT NULL,
    endpoint       text NOT NULL,
    model          text NOT NULL,
    engine         text NOT NULL,        -- "" = answered by Segue itself, or refused
    served_model   text NOT NULL,
    key            text NOT NULL,
    status         int NOT NULL,
    finish         text NOT NULL,
    failure        text NOT NULL,
    attempts       int NOT NULL,
    total_ms       real NOT NULL,
    first_token_ms real,
    queued_ms      real,
    tokens_in      int,
    tokens_out     int,
    cached_tokens  int
);
CREATE INDEX observation_by_time ON observation USING brin (at);
CREATE INDEX observation_by_model ON observation (model, at);
