"""The engine of seedbed: recipes, keys, the store, runs, and what people see of them."""
