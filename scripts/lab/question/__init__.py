"""What the question of a suite is answered with."""
