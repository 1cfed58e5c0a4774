"""What every benchmark shares: the row, the registry, the table and the file."""
