"""What an operator sees: orders with their journeys, positions with their stops, and whether all is well."""
