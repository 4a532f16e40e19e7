"""What leaves the process: a module for each HTTP client, and the services that a test plays."""
