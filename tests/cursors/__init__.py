"""Where the aggregator stands in a repo, and what a new head means."""
