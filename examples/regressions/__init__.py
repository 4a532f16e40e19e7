"""A bakery whose offers must stay quick, and the tests that notice when they do not."""
