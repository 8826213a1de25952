"""The parts of `paper_in_small.py`: the paper's experiments with the small model, and the page about them."""
