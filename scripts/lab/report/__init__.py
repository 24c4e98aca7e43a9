"""From tables and findings to pages and pictures."""
