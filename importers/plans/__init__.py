"""Floor plans: IMDF archives and OSM Simple Indoor Tagging to sites, levels, rooms, openings."""
