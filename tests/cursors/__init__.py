"""How far the aggregator has read a repo, and what a new head means."""
