import torch

# Tiny networks gain nothing from threads, and lose a lot where other work keeps the cores busy.
torch.set_num_threads(1)
