"""What every compression method shares: steps, recipes, the run, storage, account, result."""
