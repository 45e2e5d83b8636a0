"""Rows to pictures: vector tiles, raster tiles, map style and the tile cache."""
