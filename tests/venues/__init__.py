"""Local venues that speak a real venue's wire format, for tests and for trying things by hand."""
