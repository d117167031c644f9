"""What a network looks like, and what it saw."""
