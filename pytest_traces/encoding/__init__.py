"""Bytes and JSON that spans become, by the formats of others."""
