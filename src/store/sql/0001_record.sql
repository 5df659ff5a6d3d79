-- The chain: append only. A body that retention removed is NULL, its hash stays.
CREATE TABLE event (
    seq     INTEGER PRIMARY KEY,
    hash    TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    record  TEXT,
    body    TEXT
) STRICT;
CREATE INDEX event_record ON event (record) WHERE record IS NOT NULL;
CREATE INDEX event_kind ON event (kind, at_ms);

-- One row for each keyed fingerprint of a person or number in an `opened` event.
CREATE TABLE fingerprint (
    print   TEXT NOT NULL,
    seq     INTEGER NOT NULL REFERENCES event (seq),
    PRIMARY KEY (print, seq)
) STRICT, WITHOUT ROWID;

-- The row that people see.
CREATE VIEW record_row AS
SELECT o.record, o.seq, o.at_ms,
       o.kind AS opened_as,
       json_extract(o.body, '$.verdict') AS verdict,
       json_extract(o.body, '$.who.person') AS person,
       json_extract(o.body, '$.who.network') AS network,
       json_extract(o.body, '$.service') AS service,
       json_extract(o.body, '$.endpoint') AS endpoint,
       json_extract(o.body, '$.use.id') AS use_id,
       json_extract(o.body, '$.kinds') AS kinds,
       json_extract(o.body, '$.classes') AS classes,
       o.body AS opened, c.body AS closed, c.kind AS closed_as
FROM event o
LEFT JOIN event c ON c.record = o.record AND c.kind IN ('closed', 'interrupted')
WHERE o.kind IN ('opened', 'passed');
