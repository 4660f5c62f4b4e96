"""Redis: what challenges, proofs, limits and jobs are kept in."""
