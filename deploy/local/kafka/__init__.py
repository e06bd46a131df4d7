"""Apache Kafka for the local stack: a Java runtime, the broker's jars, and a cluster of one or three brokers."""
