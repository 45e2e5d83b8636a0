-- Stored fixes of vehicles, each within its own span, in order of vehicle and time.
-- Parameters: vehicle ids, span starts, span ends.
COPY (
    SELECT p.vehicle_id, p.time, ST_X(p.geom), ST_Y(p.geom)
      FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS span (id, starts, ends)
      JOIN position p ON p.vehicle_id = span.id AND p.time BETWEEN span.starts AND span.ends
     ORDER BY p.vehicle_id, p.time
) TO STDOUT (FORMAT BINARY)
