"""Where units wait: cover, move-up, siting."""
