"""results.html: results.md as one file that needs no network, with plots to look into."""
