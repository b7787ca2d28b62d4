"""Masking of names, phones, addresses and free text, and the check of masked views. Pure functions without keys."""
