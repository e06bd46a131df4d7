"""The local stack: MongoDB, a Kafka broker and the seven services as processes of this machine, from PyPI alone."""
