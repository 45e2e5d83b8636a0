-- What a serving role lacks: tables that it cannot read, and of those named, that it cannot write.
SELECT c.relname AS name, need.privilege
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
      SELECT 'SELECT' AS privilege
      UNION ALL
      SELECT unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) WHERE c.relname = ANY (%(writable)s)
  ) need
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname = ANY (%(known)s)
   AND NOT has_table_privilege(%(role)s, c.oid, need.privilege)
   -- Of a table with secrets some columns are enough.
   AND NOT (need.privilege = 'SELECT' AND has_any_column_privilege(%(role)s, c.oid, 'SELECT'))
 ORDER BY 1, 2
