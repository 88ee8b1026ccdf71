"""Notifications: what a person should know, told once over a webhook."""
