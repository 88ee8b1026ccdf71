"""Tests of the fleet: registrations, what the forge lists, and what is due."""
