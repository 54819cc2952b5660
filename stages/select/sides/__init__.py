"""Training and validation: what is connected, how much goes to which side, whether it leaks."""
