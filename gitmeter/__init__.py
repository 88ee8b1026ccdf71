"""What programs share: their edges, signatures, git servers, HTTP, and which lines count."""
