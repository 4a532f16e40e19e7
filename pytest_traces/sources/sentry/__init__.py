"""What is known of Sentry's SDK."""
