"""What theory knows of queues and distances: quick answers for planners, known ones for tests."""
