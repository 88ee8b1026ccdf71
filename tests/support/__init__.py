"""What tests stand on: real servers, real repos, the naive reference, generated data."""
