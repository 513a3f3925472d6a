"""The Platform API's client side."""
