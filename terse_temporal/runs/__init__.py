"""What a run says of itself: its memo, and its history as a person reads it."""
