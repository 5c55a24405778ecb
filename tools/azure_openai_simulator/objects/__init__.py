"""What a resource keeps, a file per family; each file's ROWS are its operations."""
