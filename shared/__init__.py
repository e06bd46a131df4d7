"""Tools without a business word: settings, Kafka, MongoDB, HTTP, authentication, logs, metrics, time and ids."""
