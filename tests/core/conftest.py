import torch
from hypothesis import settings

# Tiny networks gain nothing from threads, and lose a lot where other work keeps the cores busy.
torch.set_num_threads(1)

# No test is timed: how long one example takes says what else the machine is doing.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
