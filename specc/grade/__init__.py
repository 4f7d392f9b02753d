"""A folder of answers to a lesson, marked one by one, each in a process of its own."""
