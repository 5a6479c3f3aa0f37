"""The stages of a run: each reads the store, works once, and writes the store; no Prefect here."""
