"""Who saw what of encrypted fields: stored before any clear value is returned, and read by auditors."""
