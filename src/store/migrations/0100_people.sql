-- Accounts, their sessions, and what people did. Times are the database's own.
CREATE TABLE person (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL CHECK (name <> '' AND length(name) <= 200),  -- what one signs in with; an e-mail address as a rule
    full_name text NOT NULL DEFAULT '' CHECK (length(full_name) <= 200),
    role      text NOT NULL CHECK (role IN ('admin', 'user', 'main', 'reader', 'writer', 'debug', 'documentation')),
    password  text,                      -- Argon2id in its own notation; null: signs in elsewhere only
    subject   text UNIQUE,               -- issuer and subject of OpenID Connect
    must_change_password boolean NOT NULL DEFAULT false,
    disabled  timestamptz,
    created   timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz
);
CREATE UNIQUE INDEX person_by_name ON person (lower(name));

CREATE TABLE session (
    id      bytea PRIMARY KEY,           -- SHA-256 of the cookie: who reads the table cannot sign in
    person  bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    csrf    text NOT NULL,               -- told to the page, asked for with every change
    created timestamptz NOT NULL DEFAULT now(),
    seen    timestamptz NOT NULL DEFAULT now(),
    rotated timestamptz NOT NULL DEFAULT now(),
    expires timestamptz NOT NULL,
    peer    text NOT NULL DEFAULT '',
    agent   text NOT NULL DEFAULT '',
    replaced_by bytea                    -- a rotated id works for a moment longer: requests overlap
);
CREATE INDEX session_of_person ON session (person);
CREATE INDEX session_by_end ON session (expires);

-- The link that creates the first administrator works once; the newest one counts.
CREATE TABLE invitation (
    id      bytea PRIMARY KEY,           -- SHA-256 of the token
    created timestamptz NOT NULL DEFAULT now()
);

-- Who did what. A person who is gone is still named.
CREATE TABLE activity (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    person  bigint REFERENCES person ON DELETE SET NULL,
    name    text NOT NULL,               -- of the person, then; "" = Segue itself
    action  text NOT NULL,               -- "person.create", "key.revoke"
    object  text NOT NULL DEFAULT '',    -- what it was done to
    detail  jsonb NOT NULL DEFAULT '{}',
    address text NOT NULL DEFAULT ''     -- where the request came from
);
CREATE INDEX activity_by_time ON activity (at DESC, id DESC);
