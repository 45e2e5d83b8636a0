-- Widen each span to the silences around it: what lies beyond a silence is another journey.
-- Parameters: silence in seconds, how far to look, vehicle ids, span starts, span ends.
WITH span AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
                  AS span (id, starts, ends)
)
SELECT span.id, coalesce(before.first, span.starts) AS starts, coalesce(after.last, span.ends) AS ends
  FROM span
  LEFT JOIN LATERAL (
       SELECT max(time) AS first
         FROM (SELECT time, time - lag(time) OVER (ORDER BY time) AS silence
                 FROM position p
                WHERE p.vehicle_id = span.id
                  AND p.time BETWEEN span.starts - CAST(:reach AS interval) AND span.starts) AS fixes
        WHERE silence IS NULL OR silence > make_interval(secs => :gap_s)
  ) AS before ON true
  LEFT JOIN LATERAL (
       SELECT min(time) AS last
         FROM (SELECT time, lead(time) OVER (ORDER BY time) - time AS silence
                 FROM position p
                WHERE p.vehicle_id = span.id
                  AND p.time BETWEEN span.ends AND span.ends + CAST(:reach AS interval)) AS fixes
        WHERE silence IS NULL OR silence > make_interval(secs => :gap_s)
  ) AS after ON true
