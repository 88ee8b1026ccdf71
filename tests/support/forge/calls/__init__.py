"""What each call of a test forge's API does, by subject; `tests.support.forge.api` routes."""
