"""Values as JSON and back, and what annotations say of them."""
