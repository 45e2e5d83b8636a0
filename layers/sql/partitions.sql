-- Partitions of the series are made by this function alone, at entry, for the times that arrive.
CREATE OR REPLACE FUNCTION onemap_partition(series text, from_time timestamptz, to_time timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    step interval;
    first timestamptz;
    last timestamptz;
    part text;
    made integer := 0;
BEGIN
    IF series = 'position' THEN step := interval '1 day';
    ELSIF series = 'reading' THEN step := interval '1 month';
    ELSE RAISE EXCEPTION 'no series called %', series USING ERRCODE = 'undefined_table';
    END IF;
    -- Bounds are UTC, whatever the session's time zone: two sessions never disagree about a day.
    first := date_trunc(CASE WHEN step = interval '1 day' THEN 'day' ELSE 'month' END, from_time, 'UTC');
    last := to_time;
    PERFORM pg_advisory_xact_lock(hashtext('onemap.partition.' || series));
    WHILE first <= last LOOP
        part := series || '_' || to_char(first AT TIME ZONE 'UTC',
                                         CASE WHEN step = interval '1 day' THEN 'YYYYMMDD' ELSE 'YYYYMM' END);
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, series,
                           first, (first AT TIME ZONE 'UTC' + step) AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
        first := (first AT TIME ZONE 'UTC' + step) AT TIME ZONE 'UTC';
    END LOOP;
    RETURN made;
END $$;
