"""Backup and restore of all that an installation keeps: MongoDB, Kafka's log, and the keys. See docs/backup.md."""
