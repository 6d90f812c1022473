-- Wrong passwords of the last hour, so that replicas slow down together who guesses. `key` is a
-- hash: people type passwords where names belong.
CREATE TABLE sign_in_failure (
    key      text PRIMARY KEY,
    failures int NOT NULL,
    last     timestamptz NOT NULL
);
CREATE INDEX sign_in_failure_by_time ON sign_in_failure (last);
