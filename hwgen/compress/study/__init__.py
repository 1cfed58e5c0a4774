"""What is asked of a compression before it is settled: how it errs, and which widths to choose."""
