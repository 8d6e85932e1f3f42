"""The page of MPM Explorer: its engine, its charts and its inspector."""
