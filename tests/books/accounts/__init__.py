"""Lines about accounts beside plans."""
