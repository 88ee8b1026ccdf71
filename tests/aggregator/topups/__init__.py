"""Which accounts are due for automatic payments, and the till that is told of them."""
