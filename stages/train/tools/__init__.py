"""The verbs that training brings, one file each: `ABOUT`, `options(parser)`, `act(options)`."""
