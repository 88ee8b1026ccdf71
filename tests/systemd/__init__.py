"""Tests of the units and of what their README says."""
