"""Training and judging of intent models, away from any node. Serving never imports this; `edgewise model` does.

Rows are made by the core's `FeatureSpec` alone: nothing here builds a token.
"""
