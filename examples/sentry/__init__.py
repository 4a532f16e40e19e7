"""A ticket office that is monitored by Sentry, and the tests of its traces and errors."""
