"""The paper's experiments: its systems, made by a plan and kept in a folder, and the tables of their answers."""
