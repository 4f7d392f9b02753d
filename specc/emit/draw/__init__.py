"""Pictures of a network: SVG and PNG in two styles, Mermaid and DOT. `picture.draw` is the way in; none needs torch.

ShapedModel ─outline→ Outline ─flow, lecture→ Sheet of marks ─svg→ text ─png→ bytes
                          └─mermaid, dot→ text
"""
