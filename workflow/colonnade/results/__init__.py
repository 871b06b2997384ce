"""The results contract: records, tables, claims, provenance, and comparison with a baseline."""
