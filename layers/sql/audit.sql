-- A set of changes leaves its trace in the transaction that makes it, whoever writes: the number that
-- it was sealed under, and how many rows of which tables; what they were the history tells.
CREATE OR REPLACE FUNCTION onemap_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    made change_set;
    counted jsonb;
BEGIN
    SELECT * INTO made FROM change_set WHERE tx = NEW.tx;
    SELECT coalesce(jsonb_object_agg(layer, told), '{}') INTO counted
      FROM (SELECT layer, jsonb_object_agg(operation, number) AS told
              FROM (SELECT layer, operation, count(*) AS number
                      FROM change WHERE tx = NEW.tx GROUP BY layer, operation) each
             GROUP BY layer) tables;
    INSERT INTO audit_waiting (kind, account_id, account, address, request, route, outcome, details)
    VALUES ('change',
            nullif(current_setting('onemap.account_id', true), '')::bigint,
            coalesce(nullif(current_setting('onemap.account', true), ''), made.actor),
            nullif(current_setting('onemap.address', true), ''),
            nullif(current_setting('onemap.request', true), ''),
            nullif(current_setting('onemap.route', true), ''),
            'done',
            jsonb_strip_nulls(jsonb_build_object(
                'seq', made.seq, 'tables', counted, 'undoes', made.undoes,
                'by', nullif(current_setting('onemap.bearer', true), ''),
                'actor', made.actor, 'reason', left(made.reason, 500))));
    RETURN NULL;
END $$;

-- After `onemap_seal`, by its name: of the triggers of one row that wait, the first in the alphabet
-- goes first.
CREATE CONSTRAINT TRIGGER onemap_trace AFTER INSERT ON change_set
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION onemap_audit();

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION onemap_audit() SET search_path = %I, pg_temp', current_schema());
    -- Else anybody could tie it to a table of his own and record what he likes.
    REVOKE EXECUTE ON FUNCTION onemap_audit() FROM PUBLIC;
END $$;
