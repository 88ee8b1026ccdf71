"""Cards that are saved at a checkout, and what a till tells of them."""
