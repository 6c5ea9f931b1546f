"""The shapes of the JSON contract, one module a noun: what comes in is checked by a Body, what goes out is a closed Answer."""
