"""What people see of a run; views read folders only."""
