"""Imports merchants' files of orders, and writes masked and rejected rows."""
