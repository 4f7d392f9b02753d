"""A network with its weights as one file that runs without specc: ONNX, and torch's own `.pt2`.

Each is compared with the network before it is kept.
"""
