"""Human work: who sees a task, does it and answers it, and the bridge between the engine and customs' own records."""
