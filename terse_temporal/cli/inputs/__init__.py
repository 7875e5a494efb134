"""`terse-temporal inputs`: questions that runs ask people."""
