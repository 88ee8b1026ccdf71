"""What every program here needs at its edge: errors with a hint, exit codes, output, its files."""
