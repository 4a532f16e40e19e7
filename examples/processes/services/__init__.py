"""What runs behind the page, each module in a process of its own; nothing knows of the tests."""
