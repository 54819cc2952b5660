"""The experiments that learning curves are explained by, small enough for a CPU: `make
experiment-NAME` runs one and writes its page to benchmarks/results/experiments/."""
