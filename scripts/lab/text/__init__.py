"""Texts and numbers, in and out: what comes from outside, what readers see, files, complaints."""
