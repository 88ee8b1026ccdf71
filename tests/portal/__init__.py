"""The interface over HTTP: what accounts, services and staff are told, and what they settle."""
