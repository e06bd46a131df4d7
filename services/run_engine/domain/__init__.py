"""The pure core of the run engine: `decide` says what happens, `evolve` says what it means. No clock, ids or I/O."""
