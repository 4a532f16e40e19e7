"""A page, four services in four processes, a database and a queue, and the tests of the traces."""
