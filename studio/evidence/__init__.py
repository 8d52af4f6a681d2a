"""The page of evidence: studies, what they found, and how sure that is."""
