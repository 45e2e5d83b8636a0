-- A public estate of :rooms rooms in 400 buildings of ten storeys, and the people who hold them.
-- The same in every run: what varies, varies by remainders.
INSERT INTO body (source, source_key, code, name, path, tier)
SELECT 'bench', b::text, b::text, '单位' || b, '1', (ARRAY['city', 'county'])[1 + b % 2]
FROM generate_series(1, 60) AS b;
UPDATE body SET path = id::text::ltree, body_id = id;

INSERT INTO area_standard (source, source_key, tier, rank, area_m2, edition, valid_from)
SELECT 'bench', tier || rank, tier, rank, area, '2014', DATE '2014-11-24'
FROM unnest(ARRAY['city', 'county']) AS tier,
  (VALUES ('division_chief', 24), ('division_deputy', 18), ('staff', 9)) AS s (rank, area)
ON CONFLICT DO NOTHING;

INSERT INTO building (source, source_key, code, name, geom)
SELECT 'bench', b::text, 'B' || b, b || '号楼', ST_Multi(ST_MakeEnvelope(
  116.3 + b % 20 * 0.002, 39.9 + b / 20 * 0.002,
  116.3 + b % 20 * 0.002 + 0.0012, 39.9 + b / 20 * 0.002 + 0.0006, 4326))
FROM generate_series(0, 399) AS b;

INSERT INTO level (source, source_key, ordinal, name, geom)
SELECT 'bench', b.source_key || '/' || o, o, o || 'F', b.geom
FROM building AS b, generate_series(0, 9) AS o WHERE b.source = 'bench';

INSERT INTO level_building (level_id, building_id)
SELECT l.id, b.id FROM level AS l
JOIN building AS b ON b.source_key = split_part(l.source_key, '/', 1)
WHERE l.source = 'bench' AND b.source = 'bench';

INSERT INTO room (source, source_key, number, category, use, state, usable_area_m2, capacity,
  body_id, geom)
SELECT 'bench', l.source_key || '/' || r, l.source_key || '-' || r, 'office',
  CASE WHEN r % 5 < 4 THEN 'office' ELSE 'meeting' END,
  CASE WHEN r % 11 = 0 THEN 'vacant' WHEN r % 7 < 4 THEN 'in_use' END,
  8 + (l.id * 7 + r * 13) % 40, 1 + r % 4,
  CASE WHEN r % 3 > 0 THEN (SELECT min(id) FROM body) + (l.id + r) % 60 END,
  ST_Multi(ST_Translate(ST_MakeEnvelope(0, 0, 0.00004, 0.0005, 4326),
    ST_XMin(l.geom) + r * 0.000047, ST_YMin(l.geom)))
FROM level AS l, generate_series(0, :rooms / 4000 - 1) AS r WHERE l.source = 'bench';

INSERT INTO room_level (room_id, level_id)
SELECT r.id, l.id FROM room AS r
JOIN level AS l ON l.source_key = regexp_replace(r.source_key, '/[0-9]+$', '')
WHERE r.source = 'bench' AND l.source = 'bench';

INSERT INTO person (source, source_key, name, number, body_id, rank)
SELECT 'bench', p::text, '人员' || p, p::text, (SELECT min(id) FROM body) + p % 60,
  (ARRAY['division_chief', 'division_deputy', 'staff', 'staff', NULL])[1 + p % 5]
FROM generate_series(1, :rooms * 4 / 5) AS p;

INSERT INTO occupancy (source, source_key, room_id, person_id, body_id, share, valid_from)
SELECT 'bench', p.number, r.id, p.id, p.body_id, CASE WHEN p.id % 4 = 0 THEN 0.5 ELSE 1 END,
  DATE '2026-01-01'
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM person WHERE source = 'bench') AS p
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM room WHERE source = 'bench') AS r
  ON r.n = p.n;
