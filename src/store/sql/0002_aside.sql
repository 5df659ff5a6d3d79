-- Encrypted values with an end: vault words, sent turn units, masked answers, signed blocks.
CREATE TABLE aside (
    shelf       TEXT NOT NULL,
    scope       BLOB NOT NULL,
    key         BLOB NOT NULL,
    sealed      BLOB NOT NULL,
    expires_ms  INTEGER NOT NULL,
    PRIMARY KEY (shelf, scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX aside_expires ON aside (expires_ms);
