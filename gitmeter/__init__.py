"""What all programs share: their edges, signatures, git servers and HTTP."""
