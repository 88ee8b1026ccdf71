"""Payment providers: what they say, what must follow from it, and the requests that ask them."""
