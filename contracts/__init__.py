"""What crosses a wire: commands, events, replies, topics and the envelope around them. Data only, no behaviour."""
