"""Tests of the fleet: registrations, what the forge lists, and which repos are due."""
