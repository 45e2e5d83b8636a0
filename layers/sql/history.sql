-- The log of changes and the typed history, written by statement triggers and sealed at commit.

-- What the service takes for now: the demo estate runs on a clock of its own.
CREATE OR REPLACE FUNCTION onemap_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT clock_timestamp() + coalesce(
        (SELECT make_interval(secs => (value #>> '{}')::float8) FROM meta WHERE key = 'clock_offset_s'),
        interval '0')
$$;

-- The number of this transaction in the record. A restored estate brings numbers of another server,
-- which counts its own from the beginning: `tx_base` stands above all that were brought.
CREATE OR REPLACE FUNCTION onemap_tx() RETURNS xid8 LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT (pg_current_xact_id()::text::numeric + (value #>> '{}')::numeric)::text::xid8
           FROM meta WHERE key = 'tx_base'),
        pg_current_xact_id())
$$;

-- Statement trigger of every tracked table, with the rights of the tables' owner: whoever may write
-- a row writes history and log through it and not otherwise. Transition tables have no statistics,
-- so a nested loop over them would make large updates quadratic.
CREATE OR REPLACE FUNCTION onemap_track() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET enable_nestloop = off AS $$
DECLARE
    this_tx xid8 := onemap_tx();
    has_geom boolean;
    columns text;
    extent_old text := 'NULL::geometry';
    extent_new text := 'NULL::geometry';
BEGIN
    -- A statement that met no row is no change.
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM new_rows) THEN RETURN NULL; END IF;
    ELSIF NOT EXISTS (SELECT FROM old_rows) THEN
        RETURN NULL;
    END IF;
    SELECT count(*) FILTER (WHERE attname = 'geom') > 0 INTO has_geom
      FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped;
    IF has_geom THEN
        extent_old := 'o.geom';
        extent_new := 'n.geom';
    END IF;
    INSERT INTO change_set (tx, actor, reason, undoes)
    VALUES (this_tx, nullif(current_setting('onemap.actor', true), ''),
            nullif(current_setting('onemap.reason', true), ''),
            nullif(current_setting('onemap.undoes', true), '')::bigint)
    ON CONFLICT (tx) DO NOTHING;
    IF NOT EXISTS (SELECT FROM record_start WHERE layer = TG_TABLE_NAME) THEN
        INSERT INTO record_start (layer, tx) VALUES (TG_TABLE_NAME, this_tx);
    END IF;

    IF TG_OP <> 'INSERT' THEN
        SELECT string_agg(quote_ident(h.attname), ', ' ORDER BY h.attnum) INTO columns
          FROM pg_attribute h
         WHERE h.attrelid = format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_history')::regclass
           AND h.attnum > 0 AND NOT h.attisdropped AND h.attname <> 'tx';
        EXECUTE format('INSERT INTO %I.%I (%s, tx) SELECT %s, $1 FROM old_rows ON CONFLICT DO NOTHING',
                       TG_TABLE_SCHEMA, TG_TABLE_NAME || '_history', columns, columns)
        USING this_tx;
    END IF;

    IF TG_OP = 'INSERT' THEN
        -- Ids are new but for rows that this transaction deleted before, so the plain way, which
        -- costs a third, is tried first.
        BEGIN
            EXECUTE format($q$
                INSERT INTO change (layer, id, tx, operation, after)
                SELECT $1, n.id, $2, 'I', onemap_extent(%s) FROM new_rows n $q$, extent_new)
            USING TG_TABLE_NAME, this_tx;
        EXCEPTION WHEN unique_violation THEN
            EXECUTE format($q$
                INSERT INTO change (layer, id, tx, operation, after)
                SELECT $1, n.id, $2, 'I', onemap_extent(%s) FROM new_rows n
                ON CONFLICT (layer, id, tx) DO UPDATE SET after = excluded.after $q$, extent_new)
            USING TG_TABLE_NAME, this_tx;
        END;
    ELSIF TG_OP = 'UPDATE' THEN
        BEGIN
            EXECUTE format($q$
                INSERT INTO change (layer, id, tx, operation, before, after)
                SELECT $1, o.id, $2, 'U', onemap_extent(%s), onemap_extent(%s)
                  FROM old_rows o JOIN new_rows n USING (id)
                ON CONFLICT (layer, id, tx) DO UPDATE SET after = excluded.after $q$,
                extent_old, extent_new)
            USING TG_TABLE_NAME, this_tx;
        EXCEPTION WHEN cardinality_violation THEN
            -- A row that names two of the rows that one statement deletes is emptied twice: it is
            -- here twice, in the order in which it was written.
            EXECUTE format($q$
                INSERT INTO change (layer, id, tx, operation, before, after)
                SELECT $1, o.id, $2, 'U', onemap_extent(%s), onemap_extent(%s)
                  FROM (SELECT DISTINCT ON (id) * FROM
                           (SELECT *, row_number() OVER () AS written_ FROM old_rows) f
                         ORDER BY id, written_) o
                  JOIN (SELECT DISTINCT ON (id) * FROM
                           (SELECT *, row_number() OVER () AS written_ FROM new_rows) l
                         ORDER BY id, written_ DESC) n USING (id)
                ON CONFLICT (layer, id, tx) DO UPDATE SET after = excluded.after $q$,
                extent_old, extent_new)
            USING TG_TABLE_NAME, this_tx;
        END;
    ELSE
        EXECUTE format($q$
            INSERT INTO change (layer, id, tx, operation, before)
            SELECT $1, o.id, $2, 'D', onemap_extent(%s) FROM old_rows o
            ON CONFLICT (layer, id, tx) DO UPDATE SET after = NULL,
                operation = CASE change.operation WHEN 'U' THEN 'D' ELSE change.operation END
            $q$, extent_old)
        USING TG_TABLE_NAME, this_tx;
    END IF;
    RETURN NULL;
END $$;

-- The envelope of a point is a point and that of a straight line may be a line: ST_Expand keeps a
-- polygon. As this stands the planner puts it in place of the call; asked with an expression
-- instead of a column it would be called for each row, at five times the time.
CREATE OR REPLACE FUNCTION onemap_extent(shape geometry) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN NOT ST_IsEmpty(shape) THEN ST_Expand(ST_Force2D(shape), 0) END
$$;

-- Commit gives the order: the lock is held for the commit alone, so a long import delays nobody.
CREATE OR REPLACE FUNCTION onemap_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    next_seq bigint;
    last_time timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('onemap.change_set'));
    SELECT coalesce(max(seq), 0) + 1, max(recorded_at) INTO next_seq, last_time
      FROM change_set WHERE seq = (SELECT max(seq) FROM change_set);
    UPDATE change_set
       SET seq = next_seq,
           recorded_at = greatest(onemap_now(), last_time + interval '1 microsecond')
     WHERE tx = NEW.tx;
    PERFORM pg_notify('onemap_change', next_seq::text);
    RETURN NULL;
END $$;

-- Called by the migrations for each tracked table.
CREATE OR REPLACE FUNCTION onemap_track_table(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER onemap_track_insert AFTER INSERT ON %s
        REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION onemap_track()', target);
    EXECUTE format('CREATE TRIGGER onemap_track_update AFTER UPDATE ON %s
        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION onemap_track()', target);
    EXECUTE format('CREATE TRIGGER onemap_track_delete AFTER DELETE ON %s
        REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION onemap_track()', target);
END $$;

-- Rights of the owner need a path of their own, or a caller's tables would stand before ours. PostGIS
-- may live in another schema than the tables.
DO $$
DECLARE
    postgis text := (SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
                      WHERE extname = 'postgis');
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['onemap_track()', 'onemap_seal()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, %I, pg_temp',
                       guarded, current_schema(), postgis);
        -- Else anybody could tie it to a table of his own and write what he likes into the log.
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', guarded);
    END LOOP;
END $$;
