"""Payment intake: what a till writes, offers, sweeps up and gives back."""
