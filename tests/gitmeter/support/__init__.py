"""Tests of the room `support`: how programs start, end and print."""
