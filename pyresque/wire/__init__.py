"""What is stored in Redis, byte for byte: JSON as Ruby writes it, the typed records, the dates."""
