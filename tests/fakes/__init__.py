"""Fakes for what Azure gives, spoken to over real connections by Azure's own SDKs."""
