"""What `books reconcile` compares, and what it makes of it."""
