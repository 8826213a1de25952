"""The networks whose features are compared, loaded from the user's files: nothing is ever downloaded.

Each network is written out here, with the key names of its widely used file. So a file needs to hold nothing but
tensors: it is read as safetensors or with `weights_only`, never as a program (TorchScript, a pickled module).
"""
