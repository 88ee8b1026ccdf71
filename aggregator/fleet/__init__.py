"""Many nodes: who is registered, what the forge lists, and which repos are due to be looked at."""
