-- When a key last asked a model something: written with the observations, kept longer than they are.
CREATE TABLE api_key_use (
    key       text PRIMARY KEY,     -- id of the key, in the store or in the key file
    last_used timestamptz NOT NULL
);
INSERT INTO api_key_use SELECT key, max(at) FROM observation WHERE key <> '' GROUP BY key;
