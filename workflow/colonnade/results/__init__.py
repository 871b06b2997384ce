"""The results contract: shapes of records and tables, claims, provenance, and comparison with a baseline."""
