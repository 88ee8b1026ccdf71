"""Where the aggregator stands in each repo, and what a new head means."""
