"""Venues behind one port: ``port`` says what may be asked, ``errors`` what can go wrong; adapters beside."""
