"""What villages ask for: claims for work and aftercare, how the town verifies them, and the years to come."""
