"""Playbooks: checks drafts, keeps revisions, tells the others about them."""
