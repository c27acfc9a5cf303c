"""Softcopy presentation states: how somebody wanted an image to be seen (PS3.3 A.33)."""
