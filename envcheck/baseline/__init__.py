"""What of a machine stays the same from day to day: locked, compared, and named where it drifts."""
