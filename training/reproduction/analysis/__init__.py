"""What the answers of systems say: significance, strata, cases, figures, and the paper's tables."""
