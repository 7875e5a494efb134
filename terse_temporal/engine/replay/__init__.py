"""Whether runs can go on with the code that is here."""
