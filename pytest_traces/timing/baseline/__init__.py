"""What was recorded of earlier runs: two files, and what is in them."""
