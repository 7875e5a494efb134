"""What stands in histories, memos and storage encrypted, where TERSE_ENCRYPTION_KEY is set."""
