"""What an auditor holds against it: the freeze in the database, the nightly audit, the way from amount to grounds."""
