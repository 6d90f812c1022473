-- Documents, passages, and what finds them: BM25 over `posting`, vectors in one table a model (made
-- when a model is registered: embedding_1, embedding_2, …).

-- A hyphenated word's parts are indexed, not the compound too.
CREATE TEXT SEARCH CONFIGURATION segue (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION segue DROP MAPPING FOR asciihword, hword, numhword;
CREATE TEXT SEARCH CONFIGURATION segue_de (COPY = pg_catalog.german);
ALTER TEXT SEARCH CONFIGURATION segue_de DROP MAPPING FOR asciihword, hword, numhword;
CREATE TEXT SEARCH CONFIGURATION segue_simple (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION segue_simple DROP MAPPING FOR asciihword, hword, numhword;

CREATE TABLE collection (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    built_in boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- kind 'everyone' (subject ''), 'role' (its name), 'person' (the id). Who may write may read.
CREATE TABLE collection_grant (
    collection bigint NOT NULL REFERENCES collection ON DELETE CASCADE,
    level text NOT NULL CHECK (level IN ('read', 'write')),
    kind text NOT NULL CHECK (kind IN ('everyone', 'role', 'person')),
    subject text NOT NULL DEFAULT '',
    PRIMARY KEY (collection, level, kind, subject)
);

CREATE TABLE document (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection bigint NOT NULL REFERENCES collection,
    path text NOT NULL,
    title text NOT NULL DEFAULT '',
    type text NOT NULL DEFAULT '',
    bytes bigint NOT NULL DEFAULT 0,
    sha256 text NOT NULL DEFAULT '',
    reader smallint NOT NULL DEFAULT 0,     -- which version of the parsers read it
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'reading', 'ready', 'failed')),
    problem text,
    pages int,
    added_by text NOT NULL DEFAULT '',
    modified_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (collection, path)
);
CREATE INDEX ON document (state) WHERE state IN ('waiting', 'reading');

-- Bytes that wait to be read, and those that could not be (to try again).
CREATE TABLE document_source (
    document bigint PRIMARY KEY REFERENCES document ON DELETE CASCADE,
    content bytea NOT NULL
);

-- A text is stored once, wherever and however often it stands.
CREATE TABLE passage (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash uuid NOT NULL UNIQUE,
    lang text NOT NULL,
    title text NOT NULL,
    heading text NOT NULL,      -- the path, outermost first, separated by U+001F
    body text NOT NULL,
    tsv tsvector NOT NULL,
    len int NOT NULL
);

CREATE TABLE place (
    document bigint NOT NULL REFERENCES document ON DELETE CASCADE,
    ordinal int NOT NULL,
    passage bigint NOT NULL REFERENCES passage,
    page int,
    first_line int,
    last_line int,
    PRIMARY KEY (document, ordinal) INCLUDE (passage)
);
CREATE INDEX ON place (passage);

-- len is repeated on purpose: a query never touches passage. Terms of other languages than English
-- begin with their language's prefix (stat), so that stems and frequencies never mix.
CREATE TABLE posting (term text COLLATE "C" NOT NULL, passage bigint NOT NULL, tf smallint NOT NULL, len int NOT NULL);
CREATE UNIQUE INDEX ON posting (term, passage) INCLUDE (tf, len);
CREATE TABLE term (term text COLLATE "C" PRIMARY KEY, df int NOT NULL);
CREATE TABLE stat (
    lang text PRIMARY KEY,
    config text NOT NULL,
    prefix text NOT NULL,
    n float8 NOT NULL DEFAULT 0,
    total_len float8 NOT NULL DEFAULT 0
);
INSERT INTO stat (lang, config, prefix) VALUES
    ('en', 'segue', ''), ('de', 'segue_de', 'de' || chr(31)), ('simple', 'segue_simple', chr(31));

-- The postings of new passages, their terms and the totals; the caller is the only writer.
CREATE FUNCTION index_passages(ids bigint[]) RETURNS void LANGUAGE sql AS $$
    WITH t AS MATERIALIZED (
        SELECT s.lang, s.prefix || u.lexeme AS term, p.id, array_length(u.positions, 1) AS tf, p.len
        FROM passage p JOIN stat s ON s.lang = p.lang CROSS JOIN LATERAL unnest(p.tsv) u
        WHERE p.id = ANY (ids)
    ), posted AS (
        INSERT INTO posting SELECT term, id, tf, len FROM t ORDER BY term, id
    ), counted AS (
        INSERT INTO term AS known SELECT term, count(*) FROM t GROUP BY term ORDER BY term
        ON CONFLICT (term) DO UPDATE SET df = known.df + excluded.df
    )
    UPDATE stat s SET n = s.n + c.n, total_len = s.total_len + c.total
    FROM (SELECT lang, count(*) AS n, sum(len) AS total FROM passage WHERE id = ANY (ids) GROUP BY lang) c
    WHERE s.lang = c.lang
$$;

-- The mirror image, and the passages themselves.
CREATE FUNCTION forget_passages(ids bigint[]) RETURNS void LANGUAGE sql AS $$
    WITH t AS MATERIALIZED (
        SELECT s.prefix || u.lexeme AS term, p.id
        FROM passage p JOIN stat s ON s.lang = p.lang CROSS JOIN LATERAL unnest(p.tsv) u
        WHERE p.id = ANY (ids)
    ), unposted AS (
        DELETE FROM posting d USING t WHERE d.term = t.term AND d.passage = t.id
    ), c AS (
        SELECT term, count(*) AS n FROM t GROUP BY term
    ), counted AS (
        UPDATE term SET df = df - c.n FROM c WHERE term.term = c.term AND term.df > c.n
    ), gone AS (
        DELETE FROM term USING c WHERE term.term = c.term AND term.df <= c.n
    )
    UPDATE stat s SET n = s.n - c.n, total_len = s.total_len - c.total
    FROM (SELECT lang, count(*) AS n, sum(len) AS total FROM passage WHERE id = ANY (ids) GROUP BY lang) c
    WHERE s.lang = c.lang;
    DELETE FROM passage WHERE id = ANY (ids)
$$;

CREATE TABLE embedding_model (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    dimensions int NOT NULL CHECK (dimensions BETWEEN 1 AND 2000),
    answers boolean NOT NULL DEFAULT false,     -- the one that searches use now
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ON embedding_model (answers) WHERE answers;

-- The passages that have a vector of the model that answers; made anew with each switch of models,
-- so that statements need not know its table.
CREATE VIEW answering_vector AS SELECT NULL::bigint AS passage WHERE false;
