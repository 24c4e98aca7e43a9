"""From runs to tables: one reader a kind of file."""
