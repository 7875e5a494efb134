"""What operators have: a list of all questions in the browser, and an API for programs."""
