"""From a shop's own files, tables and frames to canonical rows."""
