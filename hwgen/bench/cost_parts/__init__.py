"""The sweep behind the cost model: configurations, and the table of their errors."""
