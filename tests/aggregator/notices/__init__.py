"""Notifications and silent nodes."""
