"""What a valid playbook is. Pure: contracts and re2 only."""
