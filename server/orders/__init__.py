"""What was meant to be ordered and what came of it; what keeps symbols, or everything, from being entered."""
