"""The conversation as a pure table: step(state, event) → (state, action). No engine, clock, database or network."""
