"""Many videos on many machines: each line of a jobs file becomes a resumable job on a Ray cluster."""
