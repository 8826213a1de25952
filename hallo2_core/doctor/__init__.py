"""A check of everything that a render needs: software, devices, disks and weights, and what to do next."""
