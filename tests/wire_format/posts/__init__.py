"""What programs of ours post to each other."""
