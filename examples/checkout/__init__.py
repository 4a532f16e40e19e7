"""A web shop with two services, a database and a queue, and the tests of its traces."""
