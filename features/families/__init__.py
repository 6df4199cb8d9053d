"""The families of features, one file each: named expressions over the past, and nothing else."""
