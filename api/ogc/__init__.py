"""OGC API - Features and Tiles over the layers: what the documents say, without the addresses."""
