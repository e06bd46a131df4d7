"""What needs several brokers: the loss of one, of a majority, and consumers whose coordinator moves."""
