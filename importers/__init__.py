"""Files to rows: readers, checks, quarantine and the shared import pipeline."""

from importers.guarded import prepare_gdal

prepare_gdal()  # before anything here loads it
