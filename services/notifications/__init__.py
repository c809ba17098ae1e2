"""Mail: what is sent to whom and once, by which sender account, and what became of it."""
