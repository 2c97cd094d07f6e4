"""The village's progress form (填报表): handed out, read back, compared, written, taken back."""
