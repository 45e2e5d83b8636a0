DROP FUNCTION IF EXISTS onemap_track_table(regclass), onemap_track() CASCADE;
DROP FUNCTION IF EXISTS onemap_seal() CASCADE;
DROP FUNCTION IF EXISTS onemap_extent(geometry), onemap_tx(), onemap_now(), onemap_partition(text, timestamptz, timestamptz);
