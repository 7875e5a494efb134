"""What messages and logs are made of: places in the user's code, text that is safe to show, no secrets."""
