"""`make bench`: ratios against the raw limit and the peers, measured in one run."""
