"""Style, as tests."""
