"""A page on which a network is edited, drawn and looked into."""
