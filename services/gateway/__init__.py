"""The only public service: authenticates, checks the shape, sends commands to Kafka and asks the owners for reads."""
