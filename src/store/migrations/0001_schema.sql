-- What all modules share. The extension vector and the table migration are there already.
-- One value under a name, for what is known of a whole installation.
CREATE TABLE setting (
    name  text PRIMARY KEY,
    value jsonb NOT NULL,
    changed timestamptz NOT NULL DEFAULT now()
);
