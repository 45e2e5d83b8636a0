"""Files to rows: readers, checks, quarantine and the shared import pipeline."""
