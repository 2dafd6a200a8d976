"""What is claimed, measured beside the peers: ratios of one run, with the inputs' sizes."""
