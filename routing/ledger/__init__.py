"""Where money is written."""
