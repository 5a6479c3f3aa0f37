"""What the package costs beside the raw libraries: ratios and differences, measured in one run."""
