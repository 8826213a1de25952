"""What the schemas of several nodes share: wire types and groups of inputs."""
