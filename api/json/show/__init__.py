"""Records as the JSON contract shows them: each answer is built here field by field, and nothing else of a record goes out."""
